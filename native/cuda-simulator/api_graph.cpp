// Capture, graphs and their executions.
#include "api.h"

#include <algorithm>
#include <utility>

#include "capture.h"
#include "kernel_arguments.h"

using namespace nibble::simulator;

namespace {

constexpr int update_topology_changed = 2;

void begin(Handle handle, int mode) {
    require(mode >= 0 && mode <= static_cast<int>(CaptureMode::relaxed), invalid_value);
    begin_capture(usable_stream(handle), static_cast<CaptureMode>(mode));
}

void instantiate(Handle* execution, Handle handle) {
    (void)usable_context();
    const auto graph = driver().graphs.get(handle);
    put_made(execution, [&] {
        return driver().executions.add(std::make_shared<GraphExecution>(graph->context, *graph));
    });
}

// A node whose context is gone is skipped: its memory is gone as well.
void launch(Handle handle, Handle stream_handle) {
    const auto stream = usable_stream(stream_handle);
    const auto steps = driver().executions.get(handle)->steps();
    require(capture_state(*stream) == CaptureState::none, not_supported);
    stream->context.lock()->submit(*stream, [steps] {
        for (const GraphNode& step : *steps) {
            if (const auto context = step.context.lock()) {
                perform(*context, step.work);
            }
        }
    });
}

void put_nodes(const Graph& graph, Handle* nodes, std::size_t& count) {
    if (nodes != nullptr) {
        const std::size_t given_room = std::exchange(count, std::min(count, graph.nodes.size()));
        for (std::size_t i = 0; i < given_room; i++) {
            nodes[i] = i < graph.nodes.size() ? graph.nodes[i]->handle : 0;
        }
    } else {
        count = graph.nodes.size();
    }
}

void set_kernel(Handle handle, Handle node, const KernelNodeParameters& parameters) {
    (void)usable_context();
    const auto execution = driver().executions.get(handle);
    const auto function = driver().functions.get(parameters.function);
    const auto context = function->context.lock();
    require(context != nullptr, invalid_handle);
    require(execution->set_kernel(node, kernel_work(parameters, *context)), invalid_value);
}

}  // namespace

NIBBLE_EXPORT cuStreamBeginCapture_v2(Handle stream, int mode) {
    return call(__func__, [&] { begin(stream, mode); });
}

NIBBLE_EXPORT cuStreamEndCapture(Handle handle, Handle* graph) {
    return call(__func__, [&] {
        given(graph) = 0;
        const auto stream = usable_stream(handle);
        *graph = driver().graphs.add(end_capture(*stream));
    });
}

NIBBLE_EXPORT cuStreamIsCapturing(Handle stream, int* state) {
    return call(__func__, [&] { given(state) = static_cast<int>(capture_state(*usable_stream(stream))); });
}

NIBBLE_EXPORT cuThreadExchangeStreamCaptureMode(int* mode) {
    return call(__func__, [&] {
        require(given(mode) >= 0 && *mode <= static_cast<int>(CaptureMode::relaxed), invalid_value);
        *mode = static_cast<int>(exchange_capture_mode(static_cast<CaptureMode>(*mode)));
    });
}

NIBBLE_EXPORT cuGraphInstantiateWithFlags(Handle* execution, Handle graph, unsigned long long) {
    return call(__func__, [&] { instantiate(execution, graph); });
}

NIBBLE_EXPORT cuGraphUpload(Handle execution, Handle stream) {
    return call(__func__, [&] {
        (void)usable_stream(stream);
        (void)driver().executions.get(execution);
    });
}

NIBBLE_EXPORT cuGraphLaunch(Handle execution, Handle stream) {
    return call(__func__, [&] { launch(execution, stream); });
}

NIBBLE_EXPORT cuGraphGetNodes(Handle graph, Handle* nodes, std::size_t* count) {
    return call(__func__, [&] { put_nodes(*driver().graphs.get(graph), nodes, given(count)); });
}

NIBBLE_EXPORT cuGraphNodeGetType(Handle node, int* type) {
    return call(__func__, [&] { given(type) = node_type(driver().nodes.get(node)->work); });
}

NIBBLE_EXPORT cuGraphExecKernelNodeSetParams(Handle execution, Handle node, const KernelNodeParameters* parameters) {
    return call(__func__, [&] { set_kernel(execution, node, given(parameters)); });
}

// The newer structure begins as the older one does.
NIBBLE_EXPORT cuGraphExecKernelNodeSetParams_v2(Handle execution, Handle node, const KernelNodeParameters* parameters) {
    return cuGraphExecKernelNodeSetParams(execution, node, parameters);
}

NIBBLE_EXPORT cuGraphExecUpdate(Handle execution, Handle graph, Handle* node, int* result) {
    return call(__func__, [&] {
        (void)usable_context();
        given(node) = 0;
        given(result) = 0;
        if (!driver().executions.get(execution)->update(*driver().graphs.get(graph))) {
            *result = update_topology_changed;
            fail(graph_update_failure);
        }
    });
}

NIBBLE_EXPORT cuGraphDestroy(Handle graph) {
    return call(__func__, [&] { require(destroy_graph(graph), invalid_handle); });
}

NIBBLE_EXPORT cuGraphExecDestroy(Handle execution) {
    return call(__func__, [&] { require(driver().executions.remove(execution), invalid_handle); });
}
