#include "redis/handshake.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using Next = RedisHandshake::Next;

RedisReply text(std::string value) {
    RedisReply reply;
    reply.type = RedisReply::Type::text;
    reply.text = std::move(value);
    return reply;
}

RedisReply error(std::string value) {
    RedisReply reply = text(std::move(value));
    reply.type = RedisReply::Type::error;
    return reply;
}

/// The words of a command, as Redis reads them.
std::vector<std::string> words_of(RedisCommands commands) {
    RedisReplyReader reader;
    std::vector<std::string> words;
    REQUIRE(reader.feed(commands.bytes().data(), commands.bytes().size()));
    RedisReply command;
    while (reader.next(command) == RedisReplyReader::Next::reply) {
        std::string line;
        for (const RedisReply& word : command.items) line += (line.empty() ? "" : " ") + word.text;
        words.push_back(line);
    }
    return words;
}

/// A handshake with user, password and database, and what a good master answers.
struct Scene {
    Scene() {
        url.user = "larder";
        url.password = "secret";
        url.database = 3;
    }
    Next introduce() {
        const auto commands = words_of(handshake.introduction());
        REQUIRE(commands.size() == good.size());
        return handshake.take_introduction(good);
    }

    RedisUrl url;
    RedisKeys keys{"p:"};
    RedisHandshake handshake{url, keys};
    std::vector<RedisReply> good{text("OK"),
                                 text("OK"),
                                 RedisReply{},
                                 text("OK"),
                                 text("# Server\r\nrun_id:run-1\r\n"),
                                 text("role:master\r\nmaster_replid:data-1\r\n")};
};

TEST_CASE("the introduction asks for what a connection needs, in one round trip") {
    Scene scene;
    const std::vector<std::string> all{"AUTH larder secret",    "SELECT 3",    "GET p:larder:clock",
                                       "CLIENT SETNAME larder", "INFO server", "INFO replication"};
    CHECK(words_of(scene.handshake.introduction()) == all);
    scene.url.user.clear();
    CHECK(words_of(scene.handshake.introduction()).front() == "AUTH secret");
    scene.url.password.clear();
    scene.url.database = 0;
    CHECK(words_of(scene.handshake.introduction()).front() == "GET p:larder:clock");
}

TEST_CASE("a master that says who it is, is identified") {
    Scene scene;
    CHECK(scene.introduce() == Next::identified);
    CHECK(scene.handshake.server() == "run-1:data-1");
    CHECK(scene.handshake.identity().run_id == "run-1");
    CHECK_FALSE(scene.handshake.refusal());
}

TEST_CASE("without password, user and database the same replies stand at other places") {
    Scene scene;
    scene.url = RedisUrl{};
    scene.good.erase(scene.good.begin(), scene.good.begin() + 2);
    CHECK(scene.introduce() == Next::identified);
    scene.good[0] = error("NOAUTH Authentication required.");
    RedisHandshake refused(scene.url, scene.keys);
    static_cast<void>(refused.introduction());
    CHECK(refused.take_introduction(scene.good) == Next::refused);
    CHECK(refused.refusal()->reason == RedisError::noauth);
}

TEST_CASE("each command of the introduction may be refused") {
    struct Case {
        std::size_t command;
        const char* reply;
        Next next;
        RedisError reason;
        RedisWork work;
    };
    for (const Case& refused : {
             Case{0, "WRONGPASS invalid", Next::refused, RedisError::wrongpass, RedisWork::use},
             Case{1, "ERR DB index is out of range", Next::refused, RedisError::database,
                  RedisWork::use},
             Case{2, "LOADING Redis is loading", Next::refused, RedisError::loading,
                  RedisWork::use},
             Case{2, "MASTERDOWN Link with MASTER is down", Next::refused, RedisError::masterdown,
                  RedisWork::use},
             Case{4, "NOPERM no permissions to run INFO", Next::needs_nonce, RedisError::noperm,
                  RedisWork::identity},
         }) {
        CAPTURE(refused.command);
        CAPTURE(refused.reply);
        Scene scene;
        scene.good[refused.command] = error(refused.reply);
        if (refused.command == 4) scene.good[5] = error(refused.reply);
        CHECK(scene.introduce() == refused.next);
        REQUIRE(scene.handshake.refusal());
        CHECK(scene.handshake.refusal()->reason == refused.reason);
        CHECK(scene.handshake.refusal()->work == refused.work);
        CHECK(scene.handshake.refusal()->text == refused.reply);
    }
}

TEST_CASE("a refused name for the connection changes nothing") {
    Scene scene;
    scene.good[3] = error("NOPERM no permissions to run CLIENT SETNAME");
    CHECK(scene.introduce() == Next::identified);
    CHECK_FALSE(scene.handshake.refusal());
}

TEST_CASE("a replica is no server to use") {
    Scene scene;
    scene.good[5] = text("role:slave\r\nmaster_replid:data-1\r\n");
    CHECK(scene.introduce() == Next::not_the_master);
    CHECK(scene.handshake.refusal()->reason == RedisError::readonly);
    CHECK(scene.handshake.server().empty());
}

TEST_CASE("a server that does not say who it is, is known by a value of our own") {
    Scene scene;
    scene.good[4] = error("NOPERM no permissions to run INFO");
    scene.good[5] = scene.good[4];
    REQUIRE(scene.introduce() == Next::needs_nonce);
    const auto asked = words_of(scene.handshake.identification("instance-1", "nonce-1"));
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].starts_with("EVALSHA "));
    CHECK(asked[0].ends_with(" 1 p:larder:nonce:instance-1 nonce-1 86400000"));
    SUBCASE("it takes the value") {
        CHECK(scene.handshake.take_identification({text("new")}) == Next::identified);
        CHECK(scene.handshake.server() == "nonce-1");
        CHECK(scene.handshake.identity().run_id.empty());
    }
    SUBCASE("it is a replica") {
        CHECK(scene.handshake.take_identification({error("READONLY You can't write")}) ==
              Next::not_the_master);
        CHECK(scene.handshake.refusal()->work == RedisWork::use);
    }
    SUBCASE("it has no room, or the user may not run scripts") {
        CHECK(scene.handshake.take_identification({error("OOM command not allowed")}) ==
              Next::refused);
        CHECK(scene.handshake.refusal()->reason == RedisError::oom);
    }
}

TEST_CASE("tracking is asked for every read, or for those that ask for it") {
    CHECK(words_of(tracking_commands(42, Tracked::every_read, "p:larder:clock")) ==
          std::vector<std::string>{"CLIENT TRACKING ON REDIRECT 42 OPTOUT", "CLIENT CACHING NO",
                                   "GETEX p:larder:clock"});
    CHECK(words_of(tracking_commands(42, Tracked::on_request, "p:larder:clock")) ==
          std::vector<std::string>{"CLIENT TRACKING ON REDIRECT 42 OPTIN"});
    CHECK_FALSE(read_tracking({text("OK")}));
    const auto refusal = read_tracking({error("NOPERM no permissions to run CLIENT")});
    REQUIRE(refusal);
    CHECK(refusal->work == RedisWork::tracking);
    CHECK(refusal->command == "CLIENT");
}

TEST_CASE("what may be left out of tracking") {
    const Untracked all = read_untracked({text("OK"), text("OK"), {}});
    CHECK(all.next_command);
    CHECK(all.getex);
    CHECK_FALSE(
        read_untracked({text("OK"), error("NOPERM no permissions"), text("1")}).next_command);
    CHECK_FALSE(read_untracked({text("OK"), text("OK"), error("ERR unknown command")}).getex);
    CHECK_FALSE(read_untracked({text("OK"), text("OK"), error("NOPERM no permissions")}).getex);
    CHECK(read_untracked({text("OK"), text("OK"), error("MOVED 7 127.0.0.1:1")}).getex);
    CHECK_FALSE(read_untracked({text("OK")}).getex);
}

}  // namespace
}  // namespace larder::redis
