#include "redis/refusal.hpp"

#include <doctest/doctest.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <set>

#include "observe/labels.hpp"

using namespace larder;
using namespace larder::redis;

TEST_CASE("an error reply is told by its text, in the forms of Redis 6 and 7") {
    struct Row {
        const char* text;
        RedisError reason;
    };
    const Row rows[] = {
        {"OOM command not allowed when used memory > 'maxmemory'.", RedisError::oom},
        {"OOM command not allowed when used memory > 'maxmemory'. script: 4fd..., on "
         "@user_script:20.",
         RedisError::oom},
        {"ERR Error running script (call to f_4fd): @user_script:20: @user_script: 20: -OOM "
         "command not allowed when used memory > 'maxmemory'.",
         RedisError::oom},
        {"EXECABORT Transaction discarded because of: OOM command not allowed", RedisError::oom},
        {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist "
         "to disk.",
         RedisError::misconf},
        {"MISCONF Errors writing to the AOF file: No space left on device", RedisError::misconf},
        {"NOREPLICAS Not enough good replicas to write.", RedisError::noreplicas},
        {"READONLY You can't write against a read only replica.", RedisError::readonly},
        {"ERR Error running script (call to f_1): @user_script:2: -READONLY You can't write "
         "against a read only replica.",
         RedisError::readonly},
        {"UNBLOCKED force unblock from blocking operation, instance state changed (master -> "
         "replica?)",
         RedisError::readonly},
        {"LOADING Redis is loading the dataset in memory", RedisError::loading},
        {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
         RedisError::masterdown},
        {"NOPERM this user has no permissions to run the 'info' command or its subcommand",
         RedisError::noperm},
        {"NOPERM this user has no permissions to run the 'info' command", RedisError::noperm},
        {"NOPERM User app has no permissions to run the 'client|tracking' command",
         RedisError::noperm},
        {"NOPERM this user has no permissions to access one of the keys used as arguments",
         RedisError::noperm},
        {"NOPERM this user has no permissions to access one of the channels used as arguments",
         RedisError::noperm},
        {"NOPERM No permissions to access a key", RedisError::noperm},
        {"ERR ACL failure in script: No permissions to access a key script: 4fd, on "
         "@user_script:2.",
         RedisError::noperm},
        {"ERR The user executing the script can't run this command or subcommand script: caec, on "
         "@user_script:1.",
         RedisError::noperm},
        {"ERR The user executing the script can't access at least one of the keys mentioned in the "
         "command arguments",
         RedisError::noperm},
        {"WRONGPASS invalid username-password pair or user is disabled.", RedisError::wrongpass},
        {"ERR invalid password", RedisError::wrongpass},
        {"ERR Client sent AUTH, but no password is set", RedisError::wrongpass},
        {"ERR AUTH <password> called without any password configured for the default user. Are you "
         "sure your configuration is correct?",
         RedisError::wrongpass},
        {"NOAUTH Authentication required.", RedisError::noauth},
        {"NOAUTH HELLO must be called with the client already authenticated", RedisError::noauth},
        {"ERR operation not permitted", RedisError::noauth},
        {"ERR max number of clients reached", RedisError::max_clients},
        {"ERR max number of clients + cluster connections reached", RedisError::max_clients},
        {"DENIED Redis is running in protected mode because protected mode is enabled",
         RedisError::protected_mode},
        {"ERR invalid DB index", RedisError::database},
        {"ERR DB index is out of range", RedisError::database},
        {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
         RedisError::busy},
        {"UNKILLABLE Sorry the script already executed write commands", RedisError::busy},
        {"CLUSTERDOWN The cluster is down", RedisError::cluster},
        {"MOVED 3999 127.0.0.1:6381", RedisError::cluster},
        {"ASK 3999 127.0.0.1:6381", RedisError::cluster},
        {"CROSSSLOT Keys in request don't hash to the same slot", RedisError::cluster},
        {"ERR SELECT is not allowed in cluster mode", RedisError::cluster},
        {"ERR This instance has cluster support disabled", RedisError::cluster},
        {"ERR unknown command 'CLIENT', with args beginning with: 'SETNAME' 'larder'",
         RedisError::unknown_command},
        {"ERR unknown command `EVAL`, with args beginning with: `return 1`",
         RedisError::unknown_command},
        {"ERR Unknown subcommand or wrong number of arguments for 'TRACKING'. Try CLIENT HELP",
         RedisError::unknown_command},
        {"ERR Unknown Redis command called from script script: 4fd", RedisError::unknown_command},
        {"WRONGTYPE Operation against a key holding the wrong kind of value",
         RedisError::wrong_type},
        {"ERR Error running script: @user_script: 3: -WRONGTYPE Operation against a key",
         RedisError::wrong_type},
        {"NOSCRIPT No matching script. Please use EVAL.", RedisError::reply},
        {"ERR syntax error", RedisError::reply},
        {"", RedisError::reply},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(to_word(classify_reply(row.text)) == to_word(row.reason));
    }
}

TEST_CASE("a failed connection is told by its error") {
    namespace error = boost::asio::error;
    CHECK(classify_error(error::make_error_code(error::connection_refused)) == RedisError::connect);
    CHECK(classify_error(error::make_error_code(error::network_unreachable)) ==
          RedisError::connect);
    CHECK(classify_error(error::make_error_code(error::timed_out)) == RedisError::connect_timeout);
    CHECK(classify_error(error::make_error_code(error::operation_aborted)) ==
          RedisError::connect_timeout);
    CHECK(classify_error(error::make_error_code(error::host_not_found)) == RedisError::resolve);
    CHECK(classify_error(boost::asio::ssl::error::make_error_code(
              boost::asio::ssl::error::stream_truncated)) == RedisError::tls);
    CHECK(classify_error({1, error::get_ssl_category()}) == RedisError::tls);
}

TEST_CASE("each reason has a word of its own, which the metrics show too") {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < static_cast<std::size_t>(RedisError::count_); ++i) {
        const std::string_view word = to_word(static_cast<RedisError>(i));
        CHECK_FALSE(word.empty());
        CHECK(seen.insert(word).second);
        CHECK(word == observe::to_word(static_cast<observe::RedisFailure>(i)));
    }
}

TEST_CASE("what a server quotes of its input stays out of the log") {
    CHECK(shown_reply("ERR unknown command 'AUTH', with args beginning with: 'secret'") ==
          "ERR unknown command 'AUTH'");
    CHECK(shown_reply("ERR a\r\nb\tc") == "ERR a  b c");
    CHECK(shown_reply(std::string(5000, 'x')).size() < 400);
}

TEST_CASE("each reason has a remedy; a missing right is named as the rule that grants it") {
    for (std::size_t i = 0; i < static_cast<std::size_t>(RedisError::count_); ++i)
        CHECK_FALSE(remedy_for({static_cast<RedisError>(i), "", "", "", ""}).empty());
    const auto right = [](std::string_view text, std::string_view command, std::string_view user,
                          std::string_view prefix) {
        return remedy_for({RedisError::noperm, text, command, user, prefix});
    };
    CHECK(right("NOPERM this user has no permissions to run the 'info' command", "INFO", "app",
                "") == "allow it with: ACL SETUSER app +info");
    CHECK(right("NOPERM No permissions to access a key", "HMGET", "", "app:") ==
          "allow it with: ACL SETUSER default ~app:*");
    CHECK(right("NOPERM this user has no permissions to access one of the keys used as arguments",
                "GET", "u", "") == "allow it with: ACL SETUSER u ~*");
    CHECK(
        right("NOPERM this user has no permissions to access one of the channels used as arguments",
              "SUBSCRIBE", "u",
              "app:") == "allow it with: ACL SETUSER u &app:larder:* &__redis__:invalidate");
}
