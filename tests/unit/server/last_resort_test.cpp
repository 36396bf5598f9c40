#include "server/last_resort.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace larder::server {
namespace {

using namespace std::chrono_literals;

// Runs `step` in a process of its own; its exit status.
template <class Step>
int status_of(const Step& step) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(STDERR_FILENO);
        step();
        std::_Exit(7);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("the last resort ends a process that hangs, at the earliest time that was said") {
    const SteadyTime started = steady_now();
    const int status = status_of([] {
        LastResort last_resort;
        last_resort.end_process_at(steady_now() + 20s);
        last_resort.end_process_at(steady_now() + 50ms);
        last_resort.end_process_at(steady_now() + 30s);
        std::this_thread::sleep_for(10s);
    });
    CHECK(status == 0);
    CHECK(steady_now() - started < 5s);
}

TEST_CASE("the last resort does nothing where the end came by itself") {
    const int status = status_of([] {
        { LastResort unused; }
        LastResort last_resort;
        last_resort.end_process_at(steady_now() + 30s);
    });
    CHECK(status == 7);
}

}  // namespace
}  // namespace larder::server
