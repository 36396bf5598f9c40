#include "redis/index_notes.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "net/detached.hpp"
#include "redis/ids.hpp"
#include "redis/scripts.hpp"
#include "redis/store_impl.hpp"

// What fills leave for the sweep.
namespace larder::redis {
namespace {

using Timer =
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

constexpr std::int64_t index_members_max = 4'000'000;
constexpr std::size_t keys_at_once = 100;  // for one script
constexpr std::size_t scripts_at_once = 256;

/// One script for some of an index's keys.
void add_note(RedisCommands& commands, const std::string& index, Milliseconds lives,
              std::span<const std::string> keys) {
    const auto [needed, prolonged] = bookkeeping_lives(lives);
    commands.begin_script(script::note, 5 + keys.size());
    commands.argument("1");
    commands.argument(index);
    commands.argument(index_members_max);
    commands.argument(std::int64_t{needed.count()});
    commands.argument(std::int64_t{prolonged.count()});
    for (const std::string& key : keys) commands.argument(key);
}

Task<void> write_later(std::weak_ptr<RedisStore::Impl> store) {
    const auto executor = co_await boost::asio::this_coro::executor;
    Timer pause(executor);
    pause.expires_after(notes_gathered_for);
    [[maybe_unused]] const auto [ignored] = co_await pause.async_wait(as_result);
    const std::shared_ptr<RedisStore::Impl> still = store.lock();
    if (still) still->write_index_notes();
}

}  // namespace

void RedisStore::Impl::note_in_index(std::string_view id, std::string_view key,
                                     Milliseconds lives) {
    const bool first = index_notes.add(id, shared.keys().entry(key), lives);
    if (first)
        net::start_detached(context.get_executor(), write_later(weak_from_this()),
                            "noting what was filled");
}

void RedisStore::Impl::write_index_notes() {
    RedisBatchPointer batch = new_batch(steady_now() + timeout(), RedisWork::other);
    const auto send = [&] {
        if (batch->commands.count() == 0) return;
        way().send(std::exchange(batch, new_batch(steady_now() + timeout(), RedisWork::other)));
    };
    for (const auto& [id, of] : index_notes.take()) {
        const std::string index = shared.keys().index(id);
        for (std::size_t at = 0; at < of.keys.size(); at += keys_at_once) {
            const std::size_t count = std::min(keys_at_once, of.keys.size() - at);
            add_note(batch->commands, index, of.lives, std::span(of.keys).subspan(at, count));
            if (batch->commands.count() == scripts_at_once) send();
        }
    }
    send();
}

}  // namespace larder::redis
