#include "cli/event_reader.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>

#include "base/text.hpp"
#include "cli/admin_client.hpp"

namespace larder::cli {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::system_error;

constexpr std::size_t head_bytes_max = 64 * 1024;

std::string request_of(const AdminTarget& admin, const HostPort& address, const std::string& path) {
    std::string out = "GET " + path + " HTTP/1.1\r\nHost: " + to_text(address) +
                      "\r\nUser-Agent: larder/" LARDER_VERSION
                      "\r\nAccept: text/event-stream\r\nConnection: close\r\n";
    if (!admin.token.empty()) out += "Authorization: Bearer " + admin.token + "\r\n";
    return out + "\r\n";
}

/// Reads the rest of an error answer, and throws its message.
template <class Stream>
[[noreturn]] void refuse(Stream& stream, int status, std::string body) {
    error_code ended;
    asio::read(stream, asio::dynamic_buffer(body, head_bytes_max), ended);
    throw std::runtime_error(describe_error({status, body}));
}

template <class Stream>
void exchange(Stream& stream, const std::string& request, const TakeEvent& take) {
    asio::write(stream, asio::buffer(request));
    std::string text;
    const std::size_t head = asio::read_until(stream, asio::dynamic_buffer(text, head_bytes_max),
                                              std::string_view("\r\n\r\n"));
    const auto status =
        text.size() > 12 ? parse_decimal(std::string_view(text).substr(9, 3)) : std::nullopt;
    text.erase(0, head);
    if (status != 200u) refuse(stream, static_cast<int>(status.value_or(0)), std::move(text));
    while (take_events(text, take)) {
        char block[16 * 1024];
        const std::size_t bytes = stream.read_some(asio::buffer(block));
        text.append(block, bytes);
    }
}

void use_tls(asio::ip::tcp::socket& socket, const HostPort& address, const std::string& request,
             const TakeEvent& take) {
    asio::ssl::context context(asio::ssl::context::tls_client);
    context.set_default_verify_paths();
    asio::ssl::stream<asio::ip::tcp::socket&> stream(socket, context);
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification(address.host));
    std::string name = address.host;
    SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             name.data());
    stream.handshake(asio::ssl::stream_base::client);
    exchange(stream, request, take);
}

}  // namespace

bool take_events(std::string& text, const TakeEvent& take) {
    std::size_t begin = 0;
    bool wants_more = true;
    for (std::size_t end; wants_more && (end = text.find("\n\n", begin)) != std::string::npos;
         begin = end + 2) {
        std::string_view name = "message", data;
        for (std::string_view rest = std::string_view(text).substr(begin, end - begin);
             !rest.empty();) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            if (line.starts_with("event: ")) name = line.substr(7);
            if (line.starts_with("data: ")) data = line.substr(6);
        }
        if (!data.empty()) wants_more = take(name, data);
    }
    text.erase(0, begin);
    return wants_more;
}

void read_events(const AdminTarget& admin, const std::string& path, const TakeEvent& take) {
    const HostPort address = parse_admin_url(admin.url);
    try {
        asio::io_context context{1};
        asio::ip::tcp::resolver resolver(context);
        asio::ip::tcp::socket socket(context);
        asio::connect(socket, resolver.resolve(address.host, std::to_string(address.port)));
        const std::string request = request_of(admin, address, path);
        if (iequals(std::string_view(admin.url).substr(0, 8), "https://"))
            return use_tls(socket, address, request, take);
        exchange(socket, request, take);
    } catch (const system_error& error) {
        if (error.code() != asio::error::eof) fail_to_ask(admin, error.code());
        throw std::runtime_error("the admin server at " + admin.url +
                                 " ended the connection: that larder has stopped");
    }
}

}  // namespace larder::cli
