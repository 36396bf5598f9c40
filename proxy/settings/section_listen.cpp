#include <algorithm>

#include "settings/sections.hpp"
#include "settings/values.hpp"

namespace larder::settings {
namespace {

std::optional<Tls> read_tls(const Node& node) {
    Tls tls;
    MapReader map(node, "a map of certificate, key and client_ca");
    if (!map.is_map()) return std::nullopt;
    map.require("certificate", "a certificate, and its key");
    map.require("key", "a key, and its certificate");
    map.read("certificate", tls.certificate, read_filled_text);
    map.read("key", tls.key, read_filled_text);
    map.read("client_ca", tls.client_ca, read_filled_text);
    map.report_unknown_keys();
    return tls;
}

std::optional<AdminRights> read_rights(const Node& node) {
    AdminRights rights;
    const auto items = node.is_list() ? node.items() : std::vector<Node>{node};
    if (items.empty()) node.error("needs at least one of read, purge and reload");
    for (const Node& item : items) {
        const auto right = one_of<bool AdminRights::*>({{"read", &AdminRights::read},
                                                        {"purge", &AdminRights::purge},
                                                        {"reload", &AdminRights::reload}})(item);
        if (right) rights.** right = true;
    }
    return rights;
}

AdminToken read_token(const Node& node) {
    AdminToken token;
    MapReader map(node, "a map of name, token and may");
    if (!map.is_map()) return token;
    map.require("name", "a name, which the record of purges shows");
    map.require("token", "a token");
    map.require("may", "may: [read, purge, reload], or some of them");
    map.read("name", token.name, read_filled_text);
    map.read("token", token.token, read_filled_text);
    map.read("may", token.may, read_rights);
    map.report_unknown_keys();
    return token;
}

void read_tokens(const Node& node, std::vector<AdminToken>& tokens) {
    if (node.is_null_as_empty()) return;
    if (!node.is_list()) return node.error_expected("a list of maps {name, token, may}");
    for (const Node& item : node.items()) {
        AdminToken token = read_token(item);
        const bool known = std::any_of(tokens.begin(), tokens.end(), [&](const AdminToken& other) {
            return !token.name.empty() && other.name == token.name;
        });
        if (known) item.error("has the name of an earlier token: " + token.name);
        const bool same = std::any_of(tokens.begin(), tokens.end(), [&](const AdminToken& other) {
            return !token.token.empty() && other.token == token.token;
        });
        if (same) item.error("has the same token as an earlier one, whose rights it would get");
        tokens.push_back(std::move(token));
    }
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
    map.require("address", "an address");
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
        if (const auto tokens = map.take("tokens")) read_tokens(*tokens, admin.tokens);
        map.read("tls", admin.tls, read_tls);
        map.report_unknown_keys();
        return;
    }
    Form form = address_form({"off"});
    form.expected = "an address, a map of address and token, or off";
    const auto text = node.text(form);
    if (!text) return;
    const std::string fault = set_admin(*text, admin);
    if (!fault.empty()) node.error(fault);
}

}  // namespace larder::settings
