"""HTTP/1.1 for load: trio streams and httptools; what is sent is exact and counted, answers are read strictly."""
