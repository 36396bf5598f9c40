#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "observe/key_ranks.hpp"
#include "observe/labels.hpp"
#include "observe/request_events.hpp"

/// What the admin server needs from the program.
namespace larder::admin {

/// What POST /purge asks for.
struct PurgeOrder {
    std::vector<std::string> keys;
    std::vector<std::string> patterns;  ///< '*' is any run of characters; without one, an exact key
    std::vector<std::string> tags;
    std::vector<std::string>
        urls;  ///< "/articles/42", or with scheme and host: purges the entries of that URL
    std::vector<std::string> hosts;     ///< every entry that a request for this host may get
    std::vector<std::string> prefixes;  ///< the same, of URLs that begin so: "api.example.com/blog"
    bool everything = false;            ///< all that is stored
    bool soft = false;                  ///< make stale instead of removing
    bool dry_run = false;               ///< purge nothing; say how many entries each item meets

    [[nodiscard]] std::size_t items() const {
        return keys.size() + patterns.size() + tags.size() + urls.size() + hosts.size() +
               prefixes.size();
    }
    [[nodiscard]] bool empty() const { return items() == 0 && !everything; }
    bool operator==(const PurgeOrder&) const = default;
};

/// Who asks for a purge, for the record.
struct PurgeAsker {
    observe::PurgeSource source = observe::PurgeSource::api;
    std::string who;    ///< the client's address
    std::string token;  ///< name of the token; empty: none, or one without a name
};

struct PurgeResult {
    enum class Outcome : std::uint8_t {
        done,        ///< acknowledged by Redis (or there is none): 200
        journalled,  ///< done here; done in Redis before larder serves from it again: 202
        failed,      ///< not done: 503
        malformed,   ///< the order names something that is not what it should be: 400
    };
    Outcome outcome = Outcome::done;
    PurgeOrder asked;   ///< the order as it came
    PurgeOrder purged;  ///< what was purged: with the keys and patterns of URLs, hosts and prefixes
    std::optional<std::uint64_t> entries;  ///< how many entries were purged, if known
    std::string message;                   ///< why it failed or waits; empty when done
};

/// What GET /explain asks: what would happen to this request now.
struct ExplainQuestion {
    std::string method;
    std::string url;   ///< origin-form, or with scheme and host
    std::string host;  ///< the Host of the request that asks; empty: none
    std::vector<std::pair<std::string, std::string>> headers;
};

/// What GET /entries asks for.
struct EntriesQuestion {
    std::string route;   ///< only entries of this path template; empty: of all
    std::string prefix;  ///< of the keys
    std::string after;   ///< `next` of the page before; empty: begin
    std::size_t limit = 100;
};

/// What GET /entry asks for: one key, by name or by a URL that a GET would store under it.
struct EntryQuestion {
    std::string key;
    std::string url;  ///< empty: `key` is given
    bool with_body = false;
    bool with_diff = false;
    std::vector<std::pair<std::string, std::string>> headers;  ///< of the request, with `url`
    std::string host;  ///< the Host of the request that asks; empty: none

    /// Bodies are the API's data, and a diff costs the origin a request.
    [[nodiscard]] bool needs_purge_right() const { return with_body || with_diff; }
};

/// JSON text and the status to send it with (200, or 400 for an invalid question).
struct JsonAnswer {
    int status = 200;
    std::string json;
};

/// Called from the admin server's thread only. No call may wait for I/O; `explain` and `purge`
/// complete later. A completion is called once, from any thread, perhaps after the admin server is
/// gone.
class AdminBackend {
public:
    virtual ~AdminBackend() = default;

    /// Whether requests are served: false while draining. Does not depend on Redis.
    [[nodiscard]] virtual bool ready() = 0;
    /// Prometheus text (Metrics::text).
    [[nodiscard]] virtual std::string metrics_text() = 0;
    /// The dashboard's figures as JSON (stats_json.hpp).
    [[nodiscard]] virtual std::string stats_json() = 0;
    /// The figures of the last hour and day as JSON (history_json.hpp).
    [[nodiscard]] virtual std::string history_json() { return "{}"; }
    /// The effective configuration as JSON, secrets masked.
    [[nodiscard]] virtual std::string config_text() = 0;

    virtual void explain(ExplainQuestion question, std::function<void(JsonAnswer)> done) = 0;
    virtual void purge(PurgeOrder order, PurgeAsker asker,
                       std::function<void(PurgeResult)> done) = 0;
    /// How many entries a purge would meet. Purges nothing.
    virtual void count_entries(PurgeOrder order, std::function<void(JsonAnswer)> done) = 0;
    virtual void list_entries(EntriesQuestion question, std::function<void(JsonAnswer)> done) = 0;
    virtual void show_entry(EntryQuestion question, std::function<void(JsonAnswer)> done) = 0;
    /// The last purges as JSON.
    [[nodiscard]] virtual std::string purges_json() = 0;
    /// The heaviest keys, of all workers together.
    [[nodiscard]] virtual std::vector<observe::RankedKey> top(observe::RankBy by,
                                                              std::size_t count) = 0;
    /// What the traffic says about the configuration, as JSON.
    [[nodiscard]] virtual std::string advice_json() = 0;
    /// Listens to the requests that larder answers; see observe::EventListener. Null: too many
    /// listen already.
    [[nodiscard]] virtual std::shared_ptr<observe::EventListener> listen(
        observe::EventFilter filter, std::function<void()> wake) = 0;
    /// Loads the configuration again: 200, or 422 with what is wrong.
    virtual void reload(std::function<void(JsonAnswer)> done) = 0;
};

}  // namespace larder::admin
