// Threads that share the blocks of launches: see pool.h.
#include "pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace nibble::simulator {

namespace {

struct Job {
    std::uint64_t count;
    const std::function<void(std::uint64_t)>* work;
    std::atomic<std::uint64_t> next{0};
    unsigned helpers = 0;  // threads of the pool that are at it
    std::exception_ptr failure;
};

class Pool {
public:
    explicit Pool(unsigned threads) : threads_(threads) {
        for (unsigned i = 0; i < threads; i++) {
            std::thread([this] { serve(); }).detach();
        }
    }

    void run(Job& job) {
        const bool shared = job.count > 1 && threads_ != 0;
        if (shared) {
            std::lock_guard lock(mutex_);
            jobs_.push_back(&job);
        }
        for (std::uint64_t i = 1; shared && i < std::min<std::uint64_t>(job.count, threads_ + 1ULL); i++) {
            wake_.notify_one();
        }
        take_part(job);
        if (shared) {
            std::unique_lock lock(mutex_);
            std::erase(jobs_, &job);
            done_.wait(lock, [&] { return job.helpers == 0; });
        }
    }

private:
    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return !jobs_.empty(); });
            Job& job = *jobs_.front();
            job.helpers++;
            lock.unlock();
            take_part(job);
            lock.lock();
            std::erase(jobs_, &job);
            job.helpers--;
            done_.notify_all();
        }
    }

    void take_part(Job& job) {
        for (std::uint64_t i = job.next++; i < job.count; i = job.next++) {
            try {
                (*job.work)(i);
            } catch (...) {
                std::lock_guard lock(mutex_);
                job.next = job.count;
                job.failure = job.failure ? job.failure : std::current_exception();
            }
        }
    }

    const unsigned threads_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    std::deque<Job*> jobs_;
};

unsigned helper_count() {
    const char* asked = std::getenv("NIBBLE_SIMULATOR_THREADS");
    const int threads = asked != nullptr ? std::atoi(asked) : static_cast<int>(std::thread::hardware_concurrency());
    return static_cast<unsigned>(std::clamp(threads, 1, 64) - 1);
}

// Never destroyed: when the process ends, its threads may not be joined any more.
Pool& pool() {
    static Pool* const made = new Pool(helper_count());
    return *made;
}

}  // namespace

void for_each(std::uint64_t count, const std::function<void(std::uint64_t)>& work) {
    Job job{count, &work, {}, 0, {}};
    pool().run(job);
    if (job.failure) {
        std::rethrow_exception(job.failure);
    }
}

}  // namespace nibble::simulator
