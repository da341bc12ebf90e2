#include "capture.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "driver.h"

namespace nibble::simulator {
namespace {

std::mutex captures_mutex;  // guards all captures, and what streams know of them
thread_local CaptureMode thread_mode = CaptureMode::global;

std::vector<std::shared_ptr<StreamCapture>>& captures() {
    static auto* const active = new std::vector<std::shared_ptr<StreamCapture>>;
    return *active;
}

[[noreturn]] void break_capture(StreamCapture& capture, int status) {
    capture.broken = true;
    fail(status);
}

void join(const std::shared_ptr<StreamCapture>& capture, const std::shared_ptr<Stream>& stream) {
    stream->capture = capture;
    capture->streams.push_back(stream);
    capture->tips[stream.get()];
}

void add_tips(std::vector<Handle>& tips, const std::vector<Handle>& more) {
    for (const Handle node : more) {
        if (std::ranges::find(tips, node) == tips.end()) {
            tips.push_back(node);
        }
    }
}

// A default stream waits for streams that capture, which it cannot.
void forbid_implicit(const Stream& stream, const Context& context) {
    for (const auto& capture : captures()) {
        for (const auto& other : capture->streams) {
            const bool coupled = (stream.kind == Stream::Kind::legacy && other->kind == Stream::Kind::blocking);
            if (coupled && other->context.lock().get() == &context) {
                break_capture(*capture, capture_implicit);
            }
        }
    }
}

std::set<Handle> ancestors(const Graph& graph, const std::vector<Handle>& tips) {
    std::set<Handle> reached(tips.begin(), tips.end());
    for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
        if (reached.contains((*node)->handle)) {
            reached.insert((*node)->after.begin(), (*node)->after.end());
        }
    }
    return reached;
}

// The error of a capture that ends in a stream, or 0.
int verdict(StreamCapture& capture, Stream& origin) {
    if (capture.broken) {
        return capture_invalidated;
    }
    const auto reached = ancestors(*capture.graph, capture.tips[&origin]);
    const bool joined = std::ranges::all_of(
        capture.graph->nodes, [&](const auto& node) { return reached.contains(node->handle); });
    return joined ? success : capture_unjoined;
}

void finish(const std::shared_ptr<StreamCapture>& capture) {
    for (const auto& each : capture->streams) {
        each->capture = nullptr;
    }
    std::erase(captures(), capture);
}

void forget_nodes(const Graph& graph) {
    for (const auto& node : graph.nodes) {
        driver().nodes.remove(node->handle);
    }
}

}  // namespace

void begin_capture(const std::shared_ptr<Stream>& stream, CaptureMode mode) {
    require(stream->kind != Stream::Kind::legacy, capture_unsupported);
    const std::lock_guard lock(captures_mutex);
    require(stream->capture == nullptr, illegal_state);
    auto capture = std::make_shared<StreamCapture>();
    capture->graph = std::make_shared<Graph>();
    capture->graph->context = stream->context;
    capture->origin = stream.get();
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    join(capture, stream);
    captures().push_back(std::move(capture));
}

std::shared_ptr<Graph> end_capture(Stream& stream) {
    const std::lock_guard lock(captures_mutex);
    const auto capture = stream.capture;
    require(capture != nullptr, illegal_state);
    require(capture->origin == &stream, capture_unmatched);
    require(capture->mode == CaptureMode::relaxed || capture->thread == std::this_thread::get_id(), capture_wrong_thread);
    const int status = verdict(*capture, stream);
    finish(capture);
    if (status != success) {
        forget_nodes(*capture->graph);
        fail(status);
    }
    return capture->graph;
}

void abandon_capture(Stream& stream) {
    const std::lock_guard lock(captures_mutex);
    if (const auto capture = stream.capture) {
        finish(capture);
        forget_nodes(*capture->graph);
    }
}

CaptureState capture_state(const Stream& stream) {
    const std::lock_guard lock(captures_mutex);
    if (stream.capture == nullptr) {
        return CaptureState::none;
    }
    return stream.capture->broken ? CaptureState::invalidated : CaptureState::active;
}

bool capture_work(Stream& stream, Context& context, const Work& work) {
    const std::lock_guard lock(captures_mutex);
    if (stream.capture == nullptr) {
        forbid_implicit(stream, context);
        return false;
    }
    StreamCapture& capture = *stream.capture;
    require(!capture.broken, capture_invalidated);
    auto node = std::make_shared<GraphNode>();
    node->context = context.weak_from_this();
    node->work = work;
    node->after = capture.tips[&stream];
    driver().nodes.add(node);
    capture.tips[&stream] = {node->handle};
    capture.graph->nodes.push_back(std::move(node));
    return true;
}

bool capture_record(Stream& stream, Event& event) {
    const std::lock_guard lock(captures_mutex);
    if (stream.capture == nullptr) {
        if (const auto context = stream.context.lock()) {
            forbid_implicit(stream, *context);
        }
        return false;
    }
    require(!stream.capture->broken, capture_invalidated);
    auto recording = std::make_shared<Recording>();
    recording->capture = stream.capture;
    recording->nodes = stream.capture->tips[&stream];
    event.set(std::move(recording));
    return true;
}

bool capture_wait(const std::shared_ptr<Stream>& stream, const Event& event) {
    const std::lock_guard lock(captures_mutex);
    const auto recording = event.recording();
    const auto recorded = recording == nullptr ? nullptr : recording->capture;
    if (recorded != nullptr) {
        require(!recorded->broken && std::ranges::find(captures(), recorded) != captures().end(), capture_invalidated);
    }
    if (stream->capture == nullptr) {
        if (recorded == nullptr) {
            return false;
        }
        require(stream->kind != Stream::Kind::legacy, capture_implicit);
        join(recorded, stream);
    } else if (recorded != stream->capture) {
        break_capture(*stream->capture, recorded == nullptr ? capture_isolation : capture_merge);
    }
    add_tips(recorded->tips[stream.get()], recording->nodes);
    return true;
}

void forbid_in_capture(const Stream* stream) {
    const std::lock_guard lock(captures_mutex);
    for (const auto& capture : captures()) {
        const bool own = stream != nullptr && stream->capture == capture;
        const bool same_thread = capture->thread == std::this_thread::get_id();
        const bool watched = capture->mode == CaptureMode::global ||
                             (capture->mode == CaptureMode::thread_local_calls && same_thread);
        const bool any = stream == nullptr && watched && thread_mode != CaptureMode::relaxed &&
                         (thread_mode == CaptureMode::global || same_thread);
        if (own || any) {
            break_capture(*capture, capture_unsupported);
        }
    }
}

CaptureMode exchange_capture_mode(CaptureMode mode) { return std::exchange(thread_mode, mode); }

}  // namespace nibble::simulator
