"""Problems of two numbers, which can be seen whole."""
