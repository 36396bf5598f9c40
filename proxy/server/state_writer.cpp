#include "server/state_writer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

// What was noted waits in `work_` until the thread takes it. The thread asks for all records when
// it writes the file anew, after it has taken the work: so they include what was noted until then.
namespace larder::server {
namespace {

constexpr Milliseconds tidy_every = std::chrono::seconds(30);

}  // namespace

StateWriter::StateWriter(Parts parts)
    : parts_(std::move(parts)),
      file_(parts_.folder, parts_.name, parts_.header),
      thread_([this] { run(); }) {}

StateWriter::~StateWriter() {
    stop();
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void StateWriter::start() {
    {
        const std::scoped_lock lock(mutex_);
        writes_ = true;
        work_.renews = true;
        ++noted_;
    }
    changed_.notify_all();
}

void StateWriter::stop() {
    std::unique_lock lock(mutex_);
    writes_ = false;
    progressed_.wait(lock, [this] { return done_ >= noted_; });
}

bool StateWriter::writes() const {
    const std::scoped_lock lock(mutex_);
    return writes_;
}

void StateWriter::append(std::string_view records) {
    {
        const std::scoped_lock lock(mutex_);
        if (!writes_) return;
        work_.records.append(records);
        ++noted_;
    }
    changed_.notify_all();
}

void StateWriter::empty() {
    {
        const std::scoped_lock lock(mutex_);
        if (!writes_) return;
        work_.records.clear();
        work_.empties = true;
        ++noted_;
    }
    changed_.notify_all();
}

void StateWriter::renew() {
    {
        const std::scoped_lock lock(mutex_);
        if (!writes_) return;
        work_.renews = true;
        ++noted_;
    }
    changed_.notify_all();
}

bool StateWriter::is_behind() const {
    const std::scoped_lock lock(mutex_);
    return written_ < noted_;
}

void StateWriter::when_written(std::function<void()> then) {
    {
        const std::scoped_lock lock(mutex_);
        if (written_ < noted_) {
            waiting_.emplace_back(noted_, std::move(then));
            return;
        }
    }
    then();
}

bool StateWriter::wait_until_written(SteadyTime until) {
    std::unique_lock lock(mutex_);
    const std::uint64_t noted = noted_;
    return progressed_.wait_until(lock, until, [this, noted] { return written_ >= noted; });
}

bool StateWriter::is_kept(SteadyTime until) {
    std::unique_lock lock(mutex_);
    if (!writes_) return false;
    work_.checks = true;
    const std::uint64_t position = ++noted_;
    changed_.notify_all();
    progressed_.wait_until(lock, until, [this, position] { return done_ >= position; });
    return kept_ >= position;
}

void StateWriter::run() {
    std::unique_lock lock(mutex_);
    const auto has_work = [this] { return ending_ || work_.any(); };
    while (!ending_) {
        if (parts_.tidy)
            changed_.wait_for(lock, tidy_every, has_work);
        else
            changed_.wait(lock, has_work);
        if (parts_.tidy) {
            lock.unlock();
            parts_.tidy();
            lock.lock();
        }
        if (!work_.any()) continue;
        const Work work = std::exchange(work_, {});
        const std::uint64_t position = noted_;
        lock.unlock();
        carry_out(work, position);
        lock.lock();
    }
}

void StateWriter::carry_out(const Work& work, std::uint64_t position) {
    const bool is_lost = work.checks && !file_.is_in_place();
    const bool replaces = work.renews || !is_whole_ || is_lost || file_.has_grown();
    bool good = replaces ? file_.replace(parts_.records()) : change(work);
    if (good && parts_.tells == Tells::when_written) tell(position);
    // The end of the list needs no sync, see empty().
    if (good && !replaces && (!work.records.empty() || work.checks)) good = file_.sync();
    if (!good && !replaces) good = file_.replace(parts_.records());
    note_result(good);
    tell(position);
    {
        const std::scoped_lock lock(mutex_);
        done_ = position;
        if (good) kept_ = position;
    }
    progressed_.notify_all();
}

bool StateWriter::change(const Work& work) {
    const bool good = !work.empties || file_.empty();
    return good && (work.records.empty() || file_.append(work.records));
}

void StateWriter::note_result(bool good) {
    if (!good && is_whole_)
        spdlog::error("cannot write {}: {}. {} would be lost if the process were killed now",
                      file_.path(), std::strerror(errno), parts_.lost);
    if (good && !is_whole_) spdlog::info("{} is complete again", file_.path());
    is_whole_ = good;
}

void StateWriter::tell(std::uint64_t position) {
    std::vector<std::function<void()>> due;
    {
        const std::scoped_lock lock(mutex_);
        written_ = position;
        const auto first_due = std::stable_partition(
            waiting_.begin(), waiting_.end(),
            [position](const auto& waiting) { return waiting.first > position; });
        for (auto waiting = first_due; waiting != waiting_.end(); ++waiting)
            due.push_back(std::move(waiting->second));
        waiting_.erase(first_due, waiting_.end());
    }
    progressed_.notify_all();
    for (const auto& then : due) then();
}

}  // namespace larder::server
