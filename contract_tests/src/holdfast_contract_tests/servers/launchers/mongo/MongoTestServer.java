import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;

/** mongo-java-server at a port, with its data in a file. */
public class MongoTestServer {
    public static void main(String[] arguments) {
        H2Backend backend = new H2Backend(arguments[1]);
        MongoServer server = new MongoServer(backend.version(new Announced()));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
    }

    /** A version that today's drivers accept; its own ones are too old for them. */
    private static final class Announced implements MongoVersion {
        @Override
        public int getWireVersion() {
            return 17;
        }

        @Override
        public List<Integer> getVersionArray() {
            return List.of(6, 0, 0);
        }
    }
}
