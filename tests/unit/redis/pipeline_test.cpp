#include "redis/pipeline.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using namespace std::chrono_literals;
using Event = RedisPipeline::Event;

const SteadyTime noon{std::chrono::hours(12)};

/// A pipeline whose connection was just made.
struct Scene {
    Scene() { pipeline.begin(); }

    RedisBatchPointer submit(std::string_view argument, Milliseconds patience = 100ms) {
        auto batch = std::make_shared<RedisBatch>();
        batch->commands.add("GET", argument);
        batch->deadline = now + patience;
        pipeline.submit(batch, now);
        return batch;
    }
    bool feed(std::string_view bytes) { return pipeline.feed(bytes.data(), bytes.size(), now); }
    /// All that is written out, in one piece.
    std::string output() {
        std::string all;
        for (const std::string& piece : pipeline.take_output()) all += piece;
        return all;
    }
    /// The answers to batches that the fed bytes complete.
    std::vector<RedisPipeline::Answer> answers() {
        std::vector<RedisPipeline::Answer> out;
        RedisPipeline::Answer answer;
        while (pipeline.next(answer) == Event::answered) out.push_back(std::move(answer));
        return out;
    }

    RedisPipeline pipeline;
    SteadyTime now = noon;
};

std::string get(std::string_view argument) {
    RedisCommands commands;
    commands.add("GET", argument);
    return commands.bytes();
}

TEST_CASE("batches of one turn leave in one piece, and a large one is not copied behind others") {
    Scene scene;
    CHECK_FALSE(scene.pipeline.has_output());
    scene.submit("a");
    scene.submit("b");
    CHECK(scene.pipeline.has_output());
    const auto small = scene.pipeline.take_output();
    REQUIRE(small.size() == 1);
    CHECK(small[0] == get("a") + get("b"));
    CHECK_FALSE(scene.pipeline.has_output());

    const std::string large(20'000, 'x');
    scene.submit("a");
    scene.submit(large);
    scene.submit("b");
    const auto pieces = scene.pipeline.take_output();
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[1] == get(large));
}

TEST_CASE(
    "a large batch has the text of each script once, and a server that forbids EVALSHA no digest") {
    constexpr Script one("return 1");
    constexpr Script two("return 2");
    const auto made = [&](std::size_t runs) {
        auto batch = std::make_shared<RedisBatch>();
        for (std::size_t i = 0; i < runs; ++i) {
            batch->commands.run(one, "1", std::to_string(1000 + i));
            batch->commands.add("GET", "a");
            batch->commands.run(two, "1", "b");
        }
        return batch;
    };
    const auto count = [](const std::string& bytes, std::string_view text) {
        std::size_t found = 0;
        for (std::size_t at = bytes.find(text); at != bytes.npos; at = bytes.find(text, at + 1))
            ++found;
        return found;
    };
    Scene scene;
    scene.pipeline.submit(made(2), noon);
    CHECK(count(scene.output(), "return") == 0);

    scene.pipeline.submit(made(200), noon);
    const std::string large = scene.output();
    CHECK(count(large, "\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$4\r\n1000\r\n") == 1);
    CHECK(count(large, "return 1") == 1);
    CHECK(count(large, "return 2") == 1);
    CHECK(count(large, "EVALSHA") == 398);
    CHECK(count(large, "\r\nGET\r\n") == 200);
    CHECK(count(large, "\r\n1199\r\n") == 1);

    scene.pipeline.submit(made(200), noon, RedisCommands::Scripts::whole);
    CHECK(count(scene.output(), "return") == 400);

    // The first command was answered, the second script was refused.
    const auto again = made(2);
    again->replies.resize(2);
    scene.pipeline.submit(again, noon, RedisCommands::Scripts::first_whole);
    const std::string rest = scene.output();
    CHECK(count(rest, "return 2") == 1);
    CHECK(count(rest, "return 1") == 1);
    CHECK(count(rest, "EVALSHA") == 1);
}

TEST_CASE("the memory of what was written is used again, and its bytes are not") {
    Scene scene;
    scene.submit("a");
    scene.pipeline.reuse_output(scene.pipeline.take_output());
    CHECK_FALSE(scene.pipeline.has_output());
    scene.submit("b");
    CHECK(scene.output() == get("b"));

    scene.submit("a");
    auto written = scene.pipeline.take_output();
    scene.submit("c");
    scene.pipeline.reuse_output(std::move(written));
    CHECK(scene.output() == get("c"));

    const std::string large(20'000, 'x');
    scene.submit("a");
    scene.pipeline.reuse_output(scene.pipeline.take_output());
    scene.submit(large);
    CHECK(scene.output() == get(large));
}

TEST_CASE("replies go to their batches in order, however the bytes are cut") {
    const std::string bytes = "$3\r\none\r\n*2\r\n:1\r\n$-1\r\n-ERR no\r\n$0\r\n\r\n+four\r\n";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        Scene scene;
        const auto first = scene.submit("1");
        auto pair = std::make_shared<RedisBatch>();
        pair->commands.add("MGET", "2").add("GET", "3");
        pair->deadline = noon + 100ms;
        scene.pipeline.submit(pair, noon);
        const auto third = scene.submit("4");
        const auto fourth = scene.submit("5");
        REQUIRE(scene.feed(std::string_view(bytes).substr(0, cut)));
        auto answers = scene.answers();
        REQUIRE(scene.feed(std::string_view(bytes).substr(cut)));
        for (auto& later : scene.answers()) answers.push_back(std::move(later));
        REQUIRE(answers.size() == 4);
        CHECK(answers[0].batch == first);
        CHECK(answers[0].batch->replies[0].text == "one");
        CHECK(answers[1].batch == pair);
        REQUIRE(answers[1].batch->replies.size() == 2);
        CHECK(answers[1].batch->replies[0].items[1].is_nil());
        CHECK(answers[1].batch->replies[1].is_error("ERR"));
        CHECK(answers[2].batch == third);
        CHECK(answers[2].batch->replies[0].is_text());
        CHECK(answers[3].batch == fourth);
        CHECK(answers[3].batch->replies[0].text == "four");
    }
}

TEST_CASE("an answer tells when its question was sent") {
    Scene scene;
    scene.submit("a");
    scene.now += 7ms;
    scene.submit("b");
    REQUIRE(scene.feed("+a\r\n+b\r\n"));
    const auto answers = scene.answers();
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].sent_at == noon);
    CHECK(answers[1].sent_at == noon + 7ms);
}

TEST_CASE("the late reply of an expired batch is swallowed in its place") {
    const std::string late = "*2\r\n$4\r\nlate\r\n$4\r\nlate\r\n";
    // The deadline comes before, inside, or right after each byte of the reply.
    for (std::size_t before = 0; before < late.size(); ++before) {
        CAPTURE(before);
        Scene scene;
        const auto expired = scene.submit("a", 50ms);
        const auto waiting = scene.submit("b", 500ms);
        REQUIRE(scene.feed(std::string_view(late).substr(0, before)));
        CHECK(scene.answers().empty());
        scene.now += 50ms;
        const auto found = scene.pipeline.expire(scene.now);
        REQUIRE(found.batches.size() == 1);
        CHECK(found.batches[0] == expired);
        CHECK(found.next == noon + 500ms);
        REQUIRE(scene.feed(late.substr(before) + "+own\r\n"));
        const auto answers = scene.answers();
        REQUIRE(answers.size() == 2);
        CHECK(answers[0].batch == nullptr);
        CHECK(expired->replies.empty());
        CHECK(answers[1].batch == waiting);
        CHECK(answers[1].batch->replies[0].text == "own");
    }
}

TEST_CASE("a batch that expires between its replies leaves none to the next batch") {
    Scene scene;
    auto pair = std::make_shared<RedisBatch>();
    pair->commands.add("GET", "1").add("GET", "2");
    pair->deadline = noon + 10ms;
    scene.pipeline.submit(pair, noon);
    const auto next = scene.submit("3");
    REQUIRE(scene.feed("+1\r\n"));
    CHECK(scene.answers().empty());
    CHECK(scene.pipeline.expire(noon + 10ms).batches.size() == 1);
    REQUIRE(scene.feed("+2\r\n+3\r\n"));
    const auto answers = scene.answers();
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].batch == next);
    CHECK(answers[1].batch->replies[0].text == "3");
}

TEST_CASE("a deadline counts from the moment it is reached, and nothing expires twice") {
    Scene scene;
    scene.submit("a", 50ms);
    scene.submit("b", 20ms);
    CHECK(scene.pipeline.expire(noon + 19ms).batches.empty());
    const auto first = scene.pipeline.expire(noon + 20ms);
    CHECK(first.batches.size() == 1);
    CHECK(first.next == noon + 50ms);
    CHECK(scene.pipeline.expire(noon + 49ms).batches.empty());
    const auto last = scene.pipeline.expire(noon + 50ms);
    CHECK(last.batches.size() == 1);
    CHECK(last.next == SteadyTime::max());
}

TEST_CASE("silence counts from the last byte, or from when the unanswered batch was sent") {
    Scene scene;
    scene.submit("a", 10ms);
    scene.now = noon + 100ms;
    SUBCASE("nothing came") { CHECK(scene.pipeline.expire(scene.now).silence == 100ms); }
    SUBCASE("part of a reply came") {
        scene.now = noon + 70ms;
        REQUIRE(scene.feed("$5\r\nab"));
        CHECK(scene.pipeline.expire(noon + 100ms).silence == 30ms);
    }
    SUBCASE("the last byte came long before the batch was sent") {
        REQUIRE(scene.feed("+a\r\n"));
        CHECK(scene.answers().size() == 1);
        scene.now = noon + 1000ms;
        scene.submit("b", 5ms);
        CHECK(scene.pipeline.expire(noon + 1005ms).silence == 5ms);
    }
    SUBCASE("no batch has expired") {
        scene.submit("b", 500ms);
        CHECK(scene.pipeline.expire(scene.now).batches.size() == 1);
        CHECK(scene.pipeline.expire(scene.now).silence == 0ms);
    }
}

TEST_CASE("a batch that was given up keeps its place, and a probe goes on") {
    Scene scene;
    const auto waiting = scene.submit("a");
    auto probe = std::make_shared<RedisBatch>();
    probe->commands.add("PING");
    probe->deadline = noon + 100ms;
    probe->probe = true;
    scene.pipeline.submit(probe, noon);
    const auto behind = scene.submit("b");
    const auto given_up = scene.pipeline.give_up();
    REQUIRE(given_up.size() == 2);
    CHECK(given_up[0] == waiting);
    CHECK(given_up[1] == behind);
    // A batch that is sent while the connection is stalled gets its own reply.
    const auto later = scene.submit("c");
    REQUIRE(scene.feed("+a\r\n+PONG\r\n+b\r\n+c\r\n"));
    const auto answers = scene.answers();
    REQUIRE(answers.size() == 4);
    CHECK(answers[0].batch == nullptr);
    CHECK(answers[1].batch == probe);
    CHECK(answers[1].waiting);
    CHECK(answers[1].batch->replies[0].text == "PONG");
    CHECK(answers[2].batch == nullptr);
    CHECK(answers[3].batch == later);
    CHECK(answers[3].batch->replies[0].text == "c");
}

TEST_CASE("the answer to a probe is told, also after the probe's deadline") {
    Scene scene;
    auto probe = std::make_shared<RedisBatch>();
    probe->commands.add("PING");
    probe->deadline = noon + 10ms;
    probe->probe = true;
    scene.pipeline.submit(probe, noon);
    CHECK(scene.pipeline.expire(noon + 10ms).batches.size() == 1);
    REQUIRE(scene.feed("+PONG\r\n"));
    const auto answers = scene.answers();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].batch == probe);
    CHECK_FALSE(answers[0].waiting);
    CHECK(answers[0].sent_at == noon);
    CHECK(answers[0].batch->replies[0].text == "PONG");
}

TEST_CASE("bytes that are no reply are broken, and a reply that nobody asked for is unasked") {
    Scene scene;
    RedisPipeline::Answer answer;
    SUBCASE("no reply at all") {
        scene.submit("a");
        const bool fed = scene.feed("HTTP/1.1 400 Bad Request\r\n\r\n");
        CHECK((!fed || scene.pipeline.next(answer) == Event::broken));
    }
    SUBCASE("nothing was asked") {
        REQUIRE(scene.feed("-ERR max number of clients reached\r\n"));
        REQUIRE(scene.pipeline.next(answer) == Event::unasked);
        CHECK(scene.pipeline.unasked().is_error("ERR"));
    }
    SUBCASE("one reply too many") {
        scene.submit("a");
        REQUIRE(scene.feed("+a\r\n+again\r\n"));
        CHECK(scene.pipeline.next(answer) == Event::answered);
        CHECK(scene.pipeline.next(answer) == Event::unasked);
        CHECK(scene.pipeline.unasked().text == "again");
    }
}

TEST_CASE("a lost connection ends all batches, and tells a refusal that came before its end") {
    Scene scene;
    auto pair = std::make_shared<RedisBatch>();
    pair->commands.add("AUTH", "x").add("GET", "y");
    pair->deadline = noon + 100ms;
    scene.pipeline.submit(pair, noon);
    const auto behind = scene.submit("z");
    SUBCASE("without a word") {
        REQUIRE(scene.feed("+OK\r\n"));
        CHECK(scene.answers().empty());
        const auto ended = scene.pipeline.end();
        REQUIRE(ended.batches.size() == 2);
        CHECK(ended.batches[0] == pair);
        CHECK(ended.batches[1] == behind);
        CHECK_FALSE(ended.refusal);
    }
    SUBCASE("with a refusal") {
        REQUIRE(scene.feed("-DENIED protected mode\r\n"));
        CHECK(scene.answers().empty());
        CHECK(scene.pipeline.end().refusal == "DENIED protected mode");
    }
    CHECK_FALSE(scene.pipeline.has_output());
}

TEST_CASE("nothing of a lost connection reaches the next one") {
    Scene scene;
    scene.submit("old");
    REQUIRE(scene.feed("$7\r\nhalf"));
    CHECK(scene.answers().empty());
    CHECK(scene.pipeline.end().batches.size() == 1);
    scene.pipeline.begin();
    const auto fresh = scene.submit("new");
    CHECK(scene.output() == get("new"));
    REQUIRE(scene.feed("+new\r\n"));
    const auto answers = scene.answers();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].batch == fresh);
    CHECK(answers[0].batch->replies[0].text == "new");
}

TEST_CASE("a pipeline has room for so many batches and bytes") {
    Scene scene;
    CHECK(scene.pipeline.has_room());
    for (int i = 0; i < 10'000; ++i) scene.submit("a");
    CHECK_FALSE(scene.pipeline.has_room());
    REQUIRE(scene.feed("+a\r\n"));
    CHECK(scene.answers().size() == 1);
    CHECK(scene.pipeline.has_room());
}

TEST_CASE("a completion runs once, after its batch has its status") {
    struct Counting final : RedisBatch::Completion {
        Counting(std::shared_ptr<RedisBatch> batch_in, int& runs_in)
            : batch(std::move(batch_in)), runs(runs_in) {}
        void run() override {
            CHECK(batch->status == RedisBatch::Status::timeout);
            ++runs;
        }
        std::shared_ptr<RedisBatch> batch;
        int& runs;
    };
    int runs = 0;
    const auto batch = std::make_shared<RedisBatch>();
    batch->completion = std::make_unique<Counting>(batch, runs);
    complete(batch, RedisBatch::Status::timeout);
    CHECK(runs == 1);
    CHECK(batch->completion == nullptr);
}

}  // namespace
}  // namespace larder::redis
