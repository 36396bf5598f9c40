#include "admin/bridge.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "admin/advise.hpp"
#include "admin/count_entries.hpp"
#include "admin/explain_live.hpp"
#include "admin/explain_offline.hpp"
#include "admin/history_json.hpp"
#include "admin/list_entries.hpp"
#include "admin/purge_order.hpp"
#include "admin/purges_json.hpp"
#include "admin/show_entry.hpp"
#include "admin/stats_json.hpp"
#include "base/json_text.hpp"
#include "base/text.hpp"
#include "flow/explain_steps.hpp"
#include "flow/purge.hpp"
#include "flow/purge_record.hpp"
#include "net/detached.hpp"
#include "observe/fetch_findings.hpp"
#include "settings/effective_config.hpp"

namespace larder::admin {
namespace {

// The Host for a question that names none; it is needed because entries of different hosts are kept
// apart. It is the Host that the question was sent to. If that is the admin server itself, it is
// the address that larder listens on, because a client without a name for larder sends that.
std::string usual_host(const settings::Settings& settings, const std::string& asked) {
    const std::string admin = settings.admin.address ? to_text(*settings.admin.address) : "";
    if (!asked.empty() &&
        !asked.ends_with(admin.substr(std::min(admin.find_last_of(':'), admin.size()))))
        return asked;
    return settings.listen.empty() ? std::string() : to_text(settings.listen.front().address);
}

bool names_a_host(const admin::ExplainQuestion& question) {
    return !question.url.starts_with('/') ||
           std::any_of(question.headers.begin(), question.headers.end(),
                       [](const auto& header) { return iequals(header.first, "host"); });
}

/// A purge under way: what was asked, what is purged, and who waits for it.
struct PurgeJob {
    PurgeOrder asked;
    ResolvedPurge resolved;
    PurgeAsker asker;
    std::function<void(PurgeResult)> done;
};

observe::PurgeRecord record_of_job(const PurgeJob& job) {
    observe::PurgeRecord record = flow::record_of(job.asker.source, job.resolved.order);
    record.who = job.asker.who;
    record.token = job.asker.token;
    record.patterns = job.resolved.asked.patterns;
    record.urls = job.asked.urls;
    record.hosts = job.asked.hosts;
    record.prefixes = job.asked.prefixes;
    record.everything = job.asked.everything;
    return record;
}

net::Task<void> purge_and_tell(flow::Services& services, PurgeJob job) {
    redis::RedisBudget budget;
    const SteadyTime began = steady_now();
    store::PurgeOutcome outcome = store::PurgeOutcome::pending;
    std::exception_ptr failure;
    try {
        outcome = co_await flow::purge(services, job.resolved.order, budget);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        job.done({PurgeResult::Outcome::failed, {}, {}, {}, "internal error: see larder's log"});
        std::rethrow_exception(failure);
    }
    flow::keep_record(services, record_of_job(job), began, outcome);
    PurgeResult result;
    result.asked = std::move(job.asked);
    result.purged = std::move(job.resolved.asked);
    if (outcome == store::PurgeOutcome::pending) {
        result.outcome = PurgeResult::Outcome::journalled;
        result.message =
            "Redis cannot be reached; larder purges there before it serves from Redis again";
    }
    job.done(std::move(result));
}

// Answers also when the work ends with an exception.
net::Task<void> answer_always(flow::Services& services,
                              std::function<net::Task<void>(flow::Services&)> make,
                              std::function<void(JsonAnswer)> done) {
    std::exception_ptr failure;
    try {
        co_await make(services);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    done({500, R"({"error": "Internal Server Error", "detail": "see the log of larder"})"});
    std::rethrow_exception(failure);
}

}  // namespace

std::string Bridge::metrics_text() { return metrics_.text(); }

std::string Bridge::stats_json() { return json_text(to_stats(metrics_.snapshot())); }

std::string Bridge::history_json() { return json_text(to_history(history_, started_)); }

std::string Bridge::config_text() {
    return settings::effective_config(settings::with_automatic_values(config_()->settings));
}

void Bridge::run(std::function<net::Task<void>(flow::Services&)> make,
                 std::function<void(JsonAnswer)> done, const char* what) {
    boost::asio::post(
        services_.context, [this, make = std::move(make), done = std::move(done), what]() mutable {
            net::start_detached(services_.executor(),
                                answer_always(services_, std::move(make), std::move(done)), what);
        });
}

void Bridge::explain(ExplainQuestion question, std::function<void(JsonAnswer)> done) {
    const std::shared_ptr<const flow::Config> config = config_();
    std::optional<route::OfflineRequest> request =
        route::OfflineRequest::make(question.method, question.url,
                                    usual_host(config->settings, question.host), question.headers);
    if (!request) {
        done(
            {400,
             R"({"error": "Bad Request", "detail": "url must be a path that begins with '/', or a whole URL"})"});
        return;
    }
    const route::Explanation explanation = route::explain(config->routes, request->head());
    boost::json::object out = explain_offline(explanation);
    out["steps"] = array_of(flow::explain_steps(explanation, request->head(), config->settings));
    if (!explanation.readable) {
        out["decision"] = explanation.unsafe ? "write" : "bypass";
        out["reason"] = explanation.why;
        done({200, json_text(out)});
        return;
    }
    const bool any_host = !names_a_host(question);
    auto live = std::make_shared<LiveQuestion>(
        LiveQuestion{config, std::move(question), std::move(*request), any_host, done});
    auto make = [live, out = std::move(out)](flow::Services& services) {
        return explain_live(services, live, out);
    };
    run(std::move(make), std::move(done), "an explanation");
}

void Bridge::purge(PurgeOrder order, PurgeAsker asker, std::function<void(PurgeResult)> done) {
    auto resolved = resolve_purge(order, config_()->routes);
    if (const std::string* fault = std::get_if<std::string>(&resolved)) {
        done({PurgeResult::Outcome::malformed, {}, {}, {}, *fault});
        return;
    }
    PurgeJob job{std::move(order), std::get<ResolvedPurge>(std::move(resolved)), std::move(asker),
                 std::move(done)};
    boost::asio::post(services_.context, [this, job = std::move(job)]() mutable {
        net::start_detached(services_.executor(), purge_and_tell(services_, std::move(job)),
                            "a purge");
    });
}

void Bridge::count_entries(PurgeOrder order, std::function<void(JsonAnswer)> done) {
    auto resolved = resolve_purge(order, config_()->routes);
    if (const std::string* fault = std::get_if<std::string>(&resolved)) {
        done({400, json_text(boost::json::object{{"error", "bad purge"}, {"detail", *fault}})});
        return;
    }
    auto make = [config = config_(), order = std::move(order), done](flow::Services& services) {
        return admin::count_entries(services, config, order, done);
    };
    run(std::move(make), std::move(done), "a look at the entries");
}

void Bridge::list_entries(EntriesQuestion question, std::function<void(JsonAnswer)> done) {
    auto make = [config = config_(), question = std::move(question),
                 done](flow::Services& services) {
        return admin::list_entries(services, config, question, done);
    };
    run(std::move(make), std::move(done), "a look at the entries");
}

void Bridge::show_entry(EntryQuestion question, std::function<void(JsonAnswer)> done) {
    question.host = usual_host(config_()->settings, question.host);
    auto make = [config = config_(), question = std::move(question),
                 done](flow::Services& services) {
        return admin::show_entry(services, config, question, done);
    };
    run(std::move(make), std::move(done), "a look at the entries");
}

std::string Bridge::purges_json() { return json_text(to_json(services_.purges->all())); }

std::vector<observe::RankedKey> Bridge::top(observe::RankBy by, std::size_t count) {
    std::vector<observe::SpaceSaving> tables;
    for (const auto& ranks : ranks_) tables.push_back(ranks->table(by));
    return observe::heaviest(tables, count);
}

std::string Bridge::advice_json() {
    constexpr std::size_t paths_looked_at = 50;
    const std::shared_ptr<const flow::Config> config = config_();
    const AdviceFacts facts{config->routes,
                            metrics_.snapshot(),
                            services_.findings->by_route(),
                            top(observe::RankBy::uncached, paths_looked_at),
                            top(observe::RankBy::uncached_time, paths_looked_at),
                            services_.purges->all()};
    return json_text(to_json(advise(facts)));
}

std::shared_ptr<observe::EventListener> Bridge::listen(observe::EventFilter filter,
                                                       std::function<void()> wake) {
    return services_.events->listen(std::move(filter), std::move(wake));
}

void Bridge::reload(std::function<void(JsonAnswer)> done) { reload_(std::move(done)); }

}  // namespace larder::admin
