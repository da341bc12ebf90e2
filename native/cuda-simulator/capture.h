// Capture of what is enqueued on streams into a graph.
#pragma once

#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "graph.h"
#include "stream.h"

namespace nibble::simulator {

enum class CaptureMode : int { global = 0, thread_local_calls = 1, relaxed = 2 };
enum class CaptureState : int { none = 0, active = 1, invalidated = 2 };

// A capture that goes on in one or more streams.
struct StreamCapture {
    std::shared_ptr<Graph> graph;
    const Stream* origin = nullptr;
    CaptureMode mode = CaptureMode::global;
    std::thread::id thread;
    bool broken = false;
    std::map<Stream*, std::vector<Handle>> tips;  // of each stream that takes part: the nodes that its next one depends on
    std::vector<std::shared_ptr<Stream>> streams;
};

void begin_capture(const std::shared_ptr<Stream>& stream, CaptureMode mode);
// Throws where the capture broke or has ends that did not join; it is over in any case.
std::shared_ptr<Graph> end_capture(Stream& stream);
// Ends the capture that a stream takes part in, if any, for nothing.
void abandon_capture(Stream& stream);
CaptureState capture_state(const Stream& stream);

// Adds work to the capture of its stream. False where the stream does not capture.
bool capture_work(Stream& stream, Context& context, const Work& work);
bool capture_record(Stream& stream, Event& event);
bool capture_wait(const std::shared_ptr<Stream>& stream, const Event& event);

// A call that a capture forbids, of this stream or (null) of anything: breaks the capture and throws.
void forbid_in_capture(const Stream* stream);
// Sets the mode of what this thread may do while others capture; returns the one before.
CaptureMode exchange_capture_mode(CaptureMode mode);

}  // namespace nibble::simulator
