"""What is done to sessions from time to time: erased, exported, cleaned up, rewound, looked at."""
