"""What the suite's own tests share."""

pytest_plugins = ["pytester"]
