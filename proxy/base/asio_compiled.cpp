// Asio and Beast, compiled once for the whole program (their separate-compilation macros are set in
// CMakeLists.txt).
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
