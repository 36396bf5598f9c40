#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace larder::route {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// A request that nobody sent, made from text for `explain` and `examples`. Owns what its head
/// looks at.
class OfflineRequest {
public:
    /// `url` is a target ("/articles/42?x=1") or a whole URL. The host is that of the URL, else
    /// that of a Host among the headers, else `host`. Nothing where the URL has no path that begins
    /// with '/'.
    static std::optional<OfflineRequest> make(std::string_view method, std::string_view url,
                                              std::string_view host, const HeaderList& headers,
                                              std::string_view body = {});

    [[nodiscard]] const http::RequestHead& head() const { return owned_->head; }

private:
    struct Owned {
        std::string method;
        std::string target;
        std::string host;
        std::string body;
        HeaderList headers;
        std::vector<http::Field> fields;
        http::RequestHead head;
    };
    std::unique_ptr<Owned> owned_ = std::make_unique<Owned>();
};

}  // namespace larder::route
