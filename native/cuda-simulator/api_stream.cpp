// Streams and events.
#include "api.h"

#include <chrono>
#include <utility>

#include "capture.h"

using namespace nibble::simulator;

namespace {

constexpr unsigned non_blocking = 1;
constexpr unsigned event_flags = 7;
constexpr unsigned event_disable_timing = 2;
constexpr unsigned event_wait_external = 1;

void create_stream(Handle* stream, unsigned flags) {
    require(flags <= non_blocking, invalid_value);
    const auto kind = flags == non_blocking ? Stream::Kind::non_blocking : Stream::Kind::blocking;
    put_made(stream, [&] { return driver().streams.add(usable_context()->create_stream(kind)); });
}

void wait_for(Stream& stream) {
    forbid_in_capture(&stream);
    stream.tail().wait();
    stream.context.lock()->require_usable();
}

void require_ready(bool ready) { require(ready, not_ready); }

// The recording of an event that the host may ask for; null where there was none.
std::shared_ptr<Recording> recording_of(Handle handle) {
    (void)usable_context();
    const auto event = driver().events.get(handle);
    const auto owner = event->context.lock();
    require(owner != nullptr, invalid_handle);
    owner->require_usable();
    auto recording = event->recording();
    require(recording == nullptr || recording->capture == nullptr, captured_event);
    return recording;
}

void record(Event& event, const std::shared_ptr<Stream>& stream) {
    const auto context = stream->context.lock();
    require(event.context.lock() == context, invalid_handle);
    if (capture_record(*stream, event)) {
        return;
    }
    const auto recording = std::make_shared<Recording>();
    recording->marker =
        context->submit(*stream, [recording] { recording->time = std::chrono::steady_clock::now(); });
    event.set(recording);
}

std::shared_ptr<Recording> timed(Handle handle) {
    auto recording = recording_of(handle);
    require(recording != nullptr && (driver().events.get(handle)->flags & event_disable_timing) == 0, invalid_handle);
    require_ready(recording->marker.reached());
    return recording;
}

}  // namespace

NIBBLE_EXPORT cuStreamCreate(Handle* stream, unsigned flags) {
    return call(__func__, [&] { create_stream(stream, flags); });
}

NIBBLE_EXPORT cuStreamCreateWithPriority(Handle* stream, unsigned flags, int) {
    return call(__func__, [&] { create_stream(stream, flags); });
}

NIBBLE_EXPORT cuStreamDestroy_v2(Handle handle) {
    return call(__func__, [&] {
        const auto stream = driver().streams.get(handle);
        abandon_capture(*stream);
        driver().streams.remove(handle);
        stream->close();
        if (const auto context = stream->context.lock()) {
            context->require_usable();
        }
    });
}

NIBBLE_EXPORT cuStreamSynchronize(Handle stream) {
    return call(__func__, [&] { wait_for(*usable_stream(stream)); });
}

NIBBLE_EXPORT cuStreamQuery(Handle handle) {
    return call(__func__, [&] {
        const auto stream = usable_stream(handle);
        forbid_in_capture(stream.get());
        require_ready(stream->idle());
    });
}

NIBBLE_EXPORT cuStreamWaitEvent(Handle handle, Handle waited, unsigned flags) {
    return call(__func__, [&] {
        require(flags <= event_wait_external, invalid_value);
        const auto stream = usable_stream(handle);
        const auto event = driver().events.get(waited);
        if (!capture_wait(stream, *event)) {
            if (const auto recording = event->recording()) {
                stream->wait_for(recording->marker);
            }
        }
    });
}

NIBBLE_EXPORT cuStreamGetCtx(Handle handle, Handle* context) {
    return call(__func__, [&] { given(context) = usable_stream(handle)->context.lock()->handle; });
}

NIBBLE_EXPORT cuStreamGetFlags(Handle handle, unsigned* flags) {
    return call(__func__, [&] {
        given(flags) = usable_stream(handle)->kind == Stream::Kind::non_blocking ? non_blocking : 0;
    });
}

NIBBLE_EXPORT cuStreamGetPriority(Handle handle, int* priority) {
    return call(__func__, [&] {
        (void)usable_stream(handle);
        given(priority) = 0;
    });
}

NIBBLE_EXPORT cuLaunchHostFunc(Handle stream, void (*function)(void*), void* data) {
    return call(__func__, [&] {
        require(function != nullptr, invalid_value);
        enqueue(*usable_stream(stream), HostWork{function, data});
    });
}

NIBBLE_EXPORT cuEventCreate(Handle* event, unsigned flags) {
    return call(__func__, [&] {
        require(flags <= event_flags, invalid_value);
        put_made(event, [&] { return driver().events.add(std::make_shared<Event>(usable_context(), flags)); });
    });
}

NIBBLE_EXPORT cuEventDestroy_v2(Handle handle) {
    return call(__func__, [&] {
        const auto event = driver().events.get(handle);
        driver().events.remove(handle);
        if (const auto context = event->context.lock()) {
            context->require_usable();
        }
    });
}

NIBBLE_EXPORT cuEventRecord(Handle event, Handle stream) {
    return call(__func__, [&] {
        const auto target = usable_stream(stream);
        record(*driver().events.get(event), target);
    });
}

NIBBLE_EXPORT cuEventSynchronize(Handle event) {
    return call(__func__, [&] {
        if (const auto recording = recording_of(event)) {
            recording->marker.wait();
            (void)recording_of(event);
        }
    });
}

NIBBLE_EXPORT cuEventQuery(Handle event) {
    return call(__func__, [&] {
        const auto recording = recording_of(event);
        require_ready(recording == nullptr || recording->marker.reached());
    });
}

NIBBLE_EXPORT cuEventElapsedTime(float* milliseconds, Handle start, Handle end) {
    return call(__func__, [&] {
        const auto first = timed(start);
        const auto last = timed(end);
        given(milliseconds) = std::chrono::duration<float, std::milli>(last->time - first->time).count();
    });
}
