// Asio's TLS, compiled once for the whole program (see asio_compiled.cpp).
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-align"
#include <boost/asio/ssl/impl/src.hpp>
