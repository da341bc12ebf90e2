// How each exported function begins and ends: cuXxx(...) { return call(__func__, [&] { ... }); }. Handles are numbers in the arguments:
// they have the size of the pointers that the driver's header declares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "driver.h"

#define NIBBLE_EXPORT extern "C" [[gnu::visibility("default")]] int

namespace nibble::simulator {

// Counts a call and lets it fail, or wait, where a fault was asked for.
void disturb_call(const char* function);

// The current context, fit for use.
std::shared_ptr<Context> usable_context();

// The stream of a handle; 0, 1 and 2 are default streams of the current context. Its context is fit for use.
std::shared_ptr<Stream> usable_stream(Handle handle);

// A pointer argument that must not be null.
template <class T>
T& given(T* pointer) {
    require(pointer != nullptr, invalid_value);
    return *pointer;
}

// Puts what is made into a pointer argument, which is looked at first.
template <class T, class Make>
void put_made(T* pointer, Make&& make) {
    T& target = given(pointer);
    target = make();
}

// Runs the body of a function and returns its status.
template <class Body>
int call(const char* function, Body&& body) noexcept {
    try {
        require(driver().started, not_initialized);
        disturb_call(function);
        body();
        return success;
    } catch (const Failure& failure) {
        return failure.status();
    } catch (const std::bad_alloc&) {
        return out_of_memory;
    } catch (const std::exception& error) {
        driver().report(unknown, error.what());
        return unknown;
    }
}

}  // namespace nibble::simulator
