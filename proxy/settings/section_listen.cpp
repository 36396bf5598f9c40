#include "settings/sections.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

std::optional<Tls> read_tls(const Node& node) {
    Tls tls;
    MapReader map(node, "a map of certificate, key and client_ca");
    if (!map.is_map()) return std::nullopt;
    if (map.lacks("certificate") || map.lacks("key")) node.error("needs both certificate and key");
    map.read("certificate", tls.certificate, read_filled_text);
    map.read("key", tls.key, read_filled_text);
    map.read("client_ca", tls.client_ca, read_filled_text);
    map.report_unknown_keys();
    return tls;
}

void read_listener(const Node& node, std::vector<Listener>& listen) {
    Listener listener;
    if (!node.is_map()) {
        if (const auto address = read_address(node)) {
            listener.address = *address;
            listen.push_back(listener);
        }
        return;
    }
    MapReader map(node, "a map");
    const bool has_address = map.read("address", listener.address, read_address);
    if (map.lacks("address")) node.error("needs an address");
    map.read("tls", listener.tls, read_tls);
    map.read("proxy_protocol", listener.proxy_protocol, read_switch);
    map.read("http2", listener.http2, read_switch);
    map.report_unknown_keys();
    if (has_address) listen.push_back(listener);
}

}  // namespace

void read_listen(const Node& node, std::vector<Listener>& listen) {
    std::vector<Listener> read;
    if (!node.is_list()) {
        read_listener(node, read);
    } else {
        const auto items = node.items();
        if (items.empty()) node.error("needs one address at least");
        for (const Node& item : items) read_listener(item, read);
    }
    if (!read.empty()) listen = std::move(read);
}

void read_admin(const Node& node, Admin& admin) {
    if (node.is_map()) {
        MapReader map(node, "a map");
        map.read("address", admin.address, read_address);
        map.read("token", admin.token, read_text);
        map.report_unknown_keys();
        return;
    }
    const auto text = node.text("an address, a map of address and token, or off");
    if (!text) return;
    const std::string fault = set_admin(*text, admin);
    if (!fault.empty()) node.error(fault);
}

}  // namespace larder::settings
