#include "http/message.hpp"

namespace larder::http {

Method method_of(std::string_view name) {
    switch (name.size()) {
        case 3:
            if (name == "GET") return Method::get;
            if (name == "PUT") return Method::put;
            if (name == "PRI") return Method::pri;
            break;
        case 4:
            if (name == "HEAD") return Method::head;
            if (name == "POST") return Method::post;
            break;
        case 5:
            if (name == "PATCH") return Method::patch;
            if (name == "TRACE") return Method::trace;
            if (name == "PURGE") return Method::purge;
            if (name == "QUERY") return Method::query;
            break;
        case 6:
            if (name == "DELETE") return Method::delete_;
            if (name == "REPORT") return Method::report;
            if (name == "SEARCH") return Method::search;
            break;
        case 7:
            if (name == "OPTIONS") return Method::options;
            if (name == "CONNECT") return Method::connect;
            break;
        case 8:
            if (name == "PROPFIND") return Method::propfind;
            break;
        default:
            break;
    }
    return Method::other;
}

}  // namespace larder::http
