#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "net/block_pool.hpp"

/// Coroutines of a worker thread. A coroutine that awaits another one calls it like a function:
/// what ends without waiting costs no switch. Asio's own coroutines are run by a loop and support
/// executors that change, cancellation by slots and other threads, which cost a request that passes
/// a quarter of its instructions.
///
/// start_detached (net/detached.hpp) starts the outermost coroutine of a chain of awaits. The chain
/// is destroyed as a whole if its io_context ends before what it waits for.
namespace larder::net {

/// The concrete executor of a worker thread: no type erasure on the hot path.
using Executor = boost::asio::io_context::executor_type;

using Error = boost::system::error_code;

/// Awaiting with this gives the error as a value.
inline constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>{});

template <class T>
class Task;
template <class Initiation, class Arguments, class... Result>
class Operation;

/// What all coroutines of a chain share. Lives in the outermost one.
struct Chain {
    Executor executor;
    std::coroutine_handle<> outermost;
};

/// What an operation of Asio resumes.
class Waiting {
public:
    Waiting() = default;
    Waiting(Waiting&&) = default;  // before it is awaited
    Waiting& operator=(Waiting&&) = delete;

    [[nodiscard]] Executor executor() const { return chain_->executor; }

    /// The operation will never complete.
    void drop() noexcept {
        if (state_ == State::under_way) {
            chain_->outermost.destroy();
        } else {
            state_ = State::dropped;
        }
    }

protected:
    ~Waiting() = default;

    /// False: the operation has completed already. Throws if it could not begin.
    template <class Initiate>
    bool begin(Chain& chain, std::coroutine_handle<> coroutine, const Initiate& initiate) {
        chain_ = &chain;
        coroutine_ = coroutine;
        state_ = State::beginning;
        try {
            initiate();
        } catch (...) {
            if (state_ == State::dropped) throw;
            // Somebody has the handler and will call it, so the coroutine must stay.
        }
        if (state_ == State::dropped)
            throw boost::system::system_error(boost::asio::error::operation_aborted);
        if (state_ == State::completed) return false;
        state_ = State::under_way;
        return true;
    }

    void resume() {
        if (state_ == State::beginning) {
            state_ = State::completed;
        } else {
            coroutine_.resume();
        }
    }

private:
    enum class State : std::uint8_t { beginning, under_way, completed, dropped };

    Chain* chain_ = nullptr;
    std::coroutine_handle<> coroutine_;
    State state_ = State::beginning;
};

/// The same with the operation's result, if it has one.
template <class... Result>
class WaitingFor;

template <>
class WaitingFor<> : public Waiting {
public:
    void complete() { resume(); }

protected:
    void result() const {}
};

template <class Result>
class WaitingFor<Result> : public Waiting {
public:
    void complete(Result result) {
        result_.emplace(std::move(result));
        resume();
    }

protected:
    Result result() { return *std::move(result_); }

private:
    std::optional<Result> result_;
};

/// The completion handler of an operation that a coroutine waits for.
template <class... Result>
class Handler {
public:
    using executor_type = Executor;

    explicit Handler(WaitingFor<Result...>& waiting) : waiting_(&waiting) {}
    Handler(Handler&& other) noexcept : waiting_(std::exchange(other.waiting_, nullptr)) {}
    Handler& operator=(Handler&&) = delete;
    ~Handler() {
        if (waiting_) waiting_->drop();
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return waiting_->executor(); }

    void operator()(Result... result) {
        std::exchange(waiting_, nullptr)->complete(std::move(result)...);
    }

private:
    WaitingFor<Result...>* waiting_;
};

/// What all promises have in common.
class Promise {
public:
    Chain* chain = nullptr;           ///< set by the coroutine that awaits this one
    std::coroutine_handle<> awaiter;  ///< null until that coroutine waits
    std::exception_ptr failure;

    static void* operator new(std::size_t bytes) { return take_block(bytes); }
    static void operator delete(void* frame, std::size_t bytes) { give_back_block(frame, bytes); }

    /// Resumes the awaiting coroutine, if that one had to wait.
    struct Return {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Ended>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Ended> ended) const noexcept {
            const std::coroutine_handle<> awaiter = ended.promise().awaiter;
            return awaiter ? awaiter : std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };

    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] Return final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { failure = std::current_exception(); }

    template <class T>
    auto await_transform(Task<T> task) const {
        return typename Task<T>::Call(std::move(task), *chain);
    }
    template <class Initiation, class Arguments, class... Result>
    auto await_transform(Operation<Initiation, Arguments, Result...> operation) const {
        return operation;
    }
    auto await_transform(boost::asio::this_coro::executor_t) const {
        struct Known {
            Executor executor;
            [[nodiscard]] bool await_ready() const noexcept { return true; }
            void await_suspend(std::coroutine_handle<>) const noexcept {}
            [[nodiscard]] Executor await_resume() const noexcept { return executor; }
        };
        return Known{chain->executor};
    }
};

template <class T>
class PromiseOf : public Promise {
public:
    [[nodiscard]] Task<T> get_return_object();
    template <class Value = T>
    void return_value(Value&& value) {
        value_.emplace(std::forward<Value>(value));
    }
    [[nodiscard]] T result() {
        if (failure) std::rethrow_exception(failure);
        return *std::move(value_);
    }

private:
    std::optional<T> value_;
};

template <>
class PromiseOf<void> : public Promise {
public:
    [[nodiscard]] Task<void> get_return_object();
    void return_void() const noexcept {}
    void result() const {
        if (failure) std::rethrow_exception(failure);
    }
};

/// A coroutine that begins when it is awaited, and gives a T. Owns its frame.
template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = PromiseOf<T>;

    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (frame_) frame_.destroy();
    }

    /// One with nothing left to do, for a function that may not need a coroutine.
    static Task ended() requires std::is_void_v<T> { return Task(nullptr); }

    /// Runs the coroutine. The awaiting one suspends only if this one has not ended by then.
    class Call {
    public:
        Call(Task task, Chain& chain) : task_(std::move(task)) {
            if (task_.frame_) task_.frame_.promise().chain = &chain;
        }
        [[nodiscard]] bool await_ready() const {
            if (!task_.frame_) return true;
            task_.frame_.resume();
            return task_.frame_.done();
        }
        void await_suspend(std::coroutine_handle<> awaiter) const noexcept {
            task_.frame_.promise().awaiter = awaiter;
        }
        T await_resume() const {
            if constexpr (std::is_void_v<T>)
                if (!task_.frame_) return;
            return task_.frame_.promise().result();
        }

    private:
        Task task_;
    };

private:
    friend promise_type;
    explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

template <class T>
Task<T> PromiseOf<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<PromiseOf<T>>::from_promise(*this));
}
inline Task<void> PromiseOf<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<PromiseOf<void>>::from_promise(*this));
}

/// An operation of Asio that begins when it is awaited.
template <class Initiation, class Arguments, class... Result>
class Operation : public WaitingFor<Result...> {
public:
    Operation(Initiation initiation, Arguments arguments)
        : initiation_(std::move(initiation)), arguments_(std::move(arguments)) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine) {
        const auto initiate = [this] {
            const auto call = [this](auto&&... arguments) {
                std::move(initiation_)(Handler<Result...>(*this), std::move(arguments)...);
            };
            std::apply(call, std::move(arguments_));
        };
        return this->begin(*coroutine.promise().chain, coroutine, initiate);
    }

    auto await_resume() { return this->result(); }

    /// As a coroutine, for a function that gives one.
    operator Task<void>() && requires(sizeof...(Result) == 0) { return run(std::move(*this)); }

private:
    static Task<void> run(Operation operation) { co_await std::move(operation); }

    Initiation initiation_;
    Arguments arguments_;
};

}  // namespace larder::net

/// Asio's operations give an Operation where they are called with use_awaitable, as in as_result.
template <class Return, class... Result>
class boost::asio::async_result<boost::asio::use_awaitable_t<larder::net::Executor>,
                                Return(Result...)> {
public:
    using handler_type = larder::net::Handler<Result...>;

    template <class Initiation, class... Arguments>
    static auto initiate(Initiation initiation, use_awaitable_t<larder::net::Executor>,
                         Arguments... arguments) {
        using Tuple = std::tuple<Arguments...>;
        return larder::net::Operation<Initiation, Tuple, Result...>(std::move(initiation),
                                                                    Tuple(std::move(arguments)...));
    }
};
