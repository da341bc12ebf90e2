#include "fault_requests.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <sstream>
#include <utility>

#include "status.h"

namespace nibble::simulator {
namespace {

// A number that is all of a text.
bool parse_number(const char* text, const char* format, unsigned& number) {
    int read = -1;
    return std::sscanf(text, format, &number, &read) == 1 && read >= 0 && text[read] == 0;
}

bool parse_what(const char* text, Disturbance& disturbance) {
    unsigned number = unknown;
    if (parse_number(text, "slow:%6u%n", number)) {
        disturbance.milliseconds = number;
        return true;
    }
    disturbance.hangs = std::strcmp(text, "hang") == 0;
    if (disturbance.hangs) {
        return true;
    }
    disturbance.lost = std::strcmp(text, "lost") == 0 || parse_number(text, "lost:%3u%n", number);
    if (!disturbance.lost && !parse_number(text, "%3u%n", number)) {
        return false;
    }
    disturbance.status = static_cast<int>(number);
    return true;
}

}  // namespace

bool Faults::parse(const std::string& text, Fault& fault) {
    char name[64] = "";
    int read = -1;
    if (text.find_first_of(" \t\n-") != std::string::npos ||
        std::sscanf(text.c_str(), "%63[A-Za-z0-9_]@%9" SCNu64 "%n", name, &fault.number, &read) != 2 ||
        fault.number == 0) {
        return false;
    }
    const char* rest = text.c_str() + read;
    fault.name = name;
    fault.later_too = *rest == '+';
    rest += fault.later_too ? 1 : 0;
    return *rest == '=' && parse_what(rest + 1, fault.disturbance);
}

bool Faults::set(const std::string& text) {
    std::vector<Fault> faults;
    std::istringstream items(text);
    for (std::string item; std::getline(items, item, ';');) {
        Fault fault;
        if (!parse(item, fault)) {
            return false;
        }
        faults.push_back(fault);
    }
    const std::lock_guard lock(mutex_);
    faults_ = std::move(faults);
    counts_.clear();
    changes_++;
    changed_.notify_all();
    return true;
}

void Faults::await_change() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, seen = changes_] { return changes_ != seen; });
}

void Faults::add(std::string_view name, Disturbance& all) {
    auto count = counts_.find(name);
    if (count == counts_.end()) {
        count = counts_.emplace(std::string(name), 0).first;
    }
    count->second++;
    for (const Fault& fault : faults_) {
        if (fault.name == name && (fault.number == count->second || (fault.later_too && fault.number < count->second))) {
            all.milliseconds += fault.disturbance.milliseconds;
            all.status = all.status != 0 ? all.status : fault.disturbance.status;
            all.lost = all.lost || fault.disturbance.lost;
            all.hangs = all.hangs || fault.disturbance.hangs;
        }
    }
}

Disturbance Faults::count(std::string_view name) {
    const std::lock_guard lock(mutex_);
    Disturbance disturbance;
    add(name, disturbance);
    if (name != "kernel" && name != "copy") {
        add("call", disturbance);
    }
    return disturbance;
}

std::uint64_t Faults::calls(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
}

}  // namespace nibble::simulator
