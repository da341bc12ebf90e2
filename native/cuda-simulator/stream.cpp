#include "stream.h"

#include <thread>
#include <utility>

namespace nibble::simulator {

bool Marker::reached() const {
    if (progress == nullptr) {
        return true;
    }
    const std::lock_guard lock(progress->mutex);
    return progress->done >= ticket;
}

void Marker::wait() const {
    if (progress != nullptr) {
        std::unique_lock lock(progress->mutex);
        progress->changed.wait(lock, [this] { return progress->done >= ticket; });
    }
}

Marker Stream::enqueue(std::vector<Marker> after, std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    after.insert(after.end(), pending_.begin(), pending_.end());
    pending_.clear();
    tasks_.push_back({std::move(after), std::move(work)});
    if (!started_) {
        started_ = true;
        std::thread([self = shared_from_this()] { self->run(); }).detach();
    }
    changed_.notify_one();
    return {progress_, ++enqueued_};
}

void Stream::wait_for(const Marker& marker) {
    const std::lock_guard lock(mutex_);
    if (!marker.reached()) {
        pending_.push_back(marker);
    }
}

Marker Stream::tail() const {
    const std::lock_guard lock(mutex_);
    return {progress_, enqueued_};
}

void Stream::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
}

void Stream::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
        if (tasks_.empty()) {
            return;
        }
        Task task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        for (const Marker& marker : task.after) {
            marker.wait();
        }
        task.work();
        task = {};  // what it held is let go before anybody hears that it is done
        {
            const std::lock_guard progress(progress_->mutex);
            progress_->done++;
        }
        progress_->changed.notify_all();
        lock.lock();
    }
}

}  // namespace nibble::simulator
