// Failures on request. A text lists them, separated by semicolons, each as NAME@K=WHAT or, from the k-th on, NAME@K+=WHAT:
//   NAME  a function of the driver without the suffix of its version (cuMemAlloc), `call` for any function,
//         `kernel` or `copy` for what a stream does when it comes to one
//   K     counts from 1, from when the text was set
//   WHAT  an error code (2); `lost` or `lost:CODE`: the device is lost, every later call fails with the code, 999 if there is none;
//         `slow:MS`: so many milliseconds later; `hang`: not before the faults are set anew, for kernels and copies
// Example: cuMemAlloc@3=2;kernel@10=lost;copy@1+=slow:20
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::simulator {

// What is to happen instead of, or before, what was asked for.
struct Disturbance {
    int status = 0;
    bool lost = false;
    bool hangs = false;
    unsigned milliseconds = 0;
};

// Thread-safe.
class Faults {
public:
    // Replaces all faults and counts from zero. False, and no change, where the text is not understood.
    bool set(const std::string& text);
    // Counts one call, and says what is to happen to it.
    Disturbance count(std::string_view name);
    // Waits until faults are set.
    void await_change() const;
    // How often something of this name came since the last set.
    std::uint64_t calls(const std::string& name) const;

private:
    struct Fault {
        std::string name;
        std::uint64_t number = 0;
        bool later_too = false;
        Disturbance disturbance;
    };

    static bool parse(const std::string& text, Fault& fault);
    void add(std::string_view name, Disturbance& all);

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::uint64_t changes_ = 0;
    std::vector<Fault> faults_;
    std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace nibble::simulator
