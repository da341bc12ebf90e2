// Streams: queues of work, each with a thread of its own, and markers of places in them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "handles.h"

namespace nibble::simulator {

struct Context;
struct StreamCapture;

// How far a stream has come.
struct Progress {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t done = 0;
};

// A place in a stream: after its first `ticket` tasks. An empty one is always reached.
struct Marker {
    std::shared_ptr<Progress> progress;
    std::uint64_t ticket = 0;

    bool reached() const;
    void wait() const;
};

// A stream. Its thread starts with its first task and ends when the stream is closed and its tasks are done.
class Stream : public std::enable_shared_from_this<Stream> {
public:
    enum class Kind { legacy, blocking, non_blocking };

    Stream(std::weak_ptr<Context> owner, Kind stream_kind) : context(std::move(owner)), kind(stream_kind) {}

    Handle handle = 0;
    const std::weak_ptr<Context> context;
    const Kind kind;
    std::shared_ptr<StreamCapture> capture;  // where work goes instead; guarded by the lock of captures

    // Adds a task that begins after these markers and after what the stream was told to wait for.
    Marker enqueue(std::vector<Marker> after, std::function<void()> work);
    void wait_for(const Marker& marker);
    Marker tail() const;
    // No task will follow.
    void close();
    bool idle() const { return tail().reached(); }

private:
    struct Task {
        std::vector<Marker> after;
        std::function<void()> work;
    };

    void run();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> tasks_;
    std::vector<Marker> pending_;
    std::uint64_t enqueued_ = 0;
    bool closed_ = false;
    bool started_ = false;
    const std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
};

// What an event was last recorded as.
struct Recording {
    Marker marker;
    std::chrono::steady_clock::time_point time;       // when the stream came to it
    std::shared_ptr<StreamCapture> capture;           // of a capturing stream: the capture,
    std::vector<std::uint64_t> nodes;                 // and the nodes that it stands for
};

struct Event {
    Event(std::weak_ptr<Context> owner, unsigned event_flags) : context(std::move(owner)), flags(event_flags) {}

    Handle handle = 0;
    const std::weak_ptr<Context> context;
    const unsigned flags;

    std::shared_ptr<Recording> recording() const {
        const std::lock_guard lock(mutex_);
        return recording_;
    }

    void set(std::shared_ptr<Recording> recording) {
        const std::lock_guard lock(mutex_);
        recording_ = std::move(recording);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<Recording> recording_;
};

}  // namespace nibble::simulator
