#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <ctime>
#include <stdexcept>

#include "base/json_text.hpp"
#include "observe/logging.hpp"
#include "server/admin_tls.hpp"
#include "server/handover.hpp"
#include "server/make_config.hpp"
#include "server/server.hpp"
#include "server/settings_in_force.hpp"
#include "settings/changes.hpp"

namespace larder::server {
namespace {

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

/// What makes a new process of this one.
std::string how_to_restart() {
    if (is_first_process()) return "restart the container";
    return "SIGUSR2 restarts without refusing a connection: kill -USR2 " +
           std::to_string(::getpid());
}

void log_refusal(const settings::Problems& problems, const std::string& file) {
    std::size_t errors = 0;
    for (const settings::Problem& problem : problems) {
        if (problem.severity != settings::Problem::Severity::error) continue;
        spdlog::error("reload: {}", settings::to_text(problem, file));
        ++errors;
    }
    spdlog::error("the configuration was not reloaded, the old one stays: {} error{}", errors,
                  errors == 1 ? "" : "s");
}

}  // namespace

admin::JsonAnswer Server::reload() {
    const std::shared_ptr<const flow::Config> before = shared_.config.get();
    settings::Problems problems;
    settings::Settings settings = load_and_judge(source_, problems);
    std::shared_ptr<const flow::Config> config;
    std::vector<std::string> waiting;
    std::vector<ListenerOptions> listeners;
    OpenedListeners opened;
    net::TlsContext admin_tls;
    if (!settings::has_errors(problems)) {
        settings::Problems faults;
        config = make_config(settings_in_force(before->settings, std::move(settings), waiting),
                             shared_.metrics, faults, before.get());
        // The routes' warnings are known already.
        for (settings::Problem& fault : faults)
            if (fault.severity == settings::Problem::Severity::error)
                problems.push_back(std::move(fault));
        try {
            if (config) admin_tls = make_admin_tls(config->settings.admin);
            if (config) listeners = listener_options(config->settings);
            if (config) open_new_listeners(before->settings, config->settings, opened);
        } catch (const std::runtime_error& error) {
            problems.push_back({settings::Problem::Severity::error, {}, "listen", error.what()});
            config.reset();
        }
    }
    boost::json::object answer = settings::to_json(problems, source_.file);
    if (!config) {
        log_refusal(problems, source_.file);
        shared_.metrics.note_reload(false);
        history_.note_reload({.successful = false,
                              .unix_seconds = std::time(nullptr),
                              .errors = errors_of(problems, source_.file)});
        return {422, json_text(answer)};
    }
    const std::vector<std::string> changed = settings::changes(before->settings, config->settings);
    for (const std::string& line : changed) spdlog::info("reload: {}", line);
    observe::set_up_logging(config->settings.log);
    if (!waiting.empty())
        spdlog::warn(
            "changes of {} take effect at the next start ({}); until then the old values "
            "stay",
            joined(waiting), how_to_restart());
    put_in_force(config);
    use_listeners(before->settings, config->settings, listeners, opened);
    if (admin_) admin_->set_access(config->settings.admin, std::move(admin_tls));
    shared_.metrics.note_reload(true);
    history_.note_reload({.successful = true, .unix_seconds = std::time(nullptr), .errors = {}});
    spdlog::info("the configuration was reloaded, {} change{}", changed.size(),
                 changed.size() == 1 ? "" : "s");
    answer["reloaded"] = true;
    answer["changes"] = boost::json::array(changed.begin(), changed.end());
    answer["needs_restart"] = boost::json::array(waiting.begin(), waiting.end());
    return {200, json_text(answer)};
}

void Server::reload_for(const std::function<void(admin::JsonAnswer)>& done) {
    try {
        done(reload());
    } catch (...) {
        note_failure("a reload", std::current_exception());
        done({500, R"({"error":"the reload failed","detail":"see larder's log"})"});
    }
}

// From this instant on, requests take over the new configuration by themselves. The posted work is
// for workers without a request.
void Server::put_in_force(const std::shared_ptr<const flow::Config>& config) {
    shared_.memory->keep_rules(config->routes.rules());
    shared_.config.set(config);
    shared_.memory->resize(config->settings.memory_bytes,
                           settings::largest_object(config->settings));
    for (const auto& worker : workers_) {
        Worker* target = worker.get();
        target->post([target] { target->follow_reload(); });
    }
    if (planned_) planned_->follow_rules();
}

}  // namespace larder::server
