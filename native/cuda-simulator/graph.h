// Graphs of work, and their executions.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "handles.h"
#include "work.h"

namespace nibble::simulator {

struct GraphNode {
    Handle handle = 0;
    std::weak_ptr<Context> context;
    Work work;
    std::vector<Handle> after;  // nodes of the same graph
};

struct Graph {
    Handle handle = 0;
    std::weak_ptr<Context> context;
    std::vector<std::shared_ptr<GraphNode>> nodes;  // each after those that it depends on
};

// Copies of a graph's nodes, in the order in which they are done.
using Steps = std::vector<GraphNode>;

class GraphExecution {
public:
    // Chooses an order that keeps to the dependencies and otherwise differs from that of the capture: what is not said to depend
    // on something comes before it, so that a dependency that was forgotten shows.
    GraphExecution(std::weak_ptr<Context> owner, const Graph& graph);

    Handle handle = 0;
    const std::weak_ptr<Context> context;

    // What a launch from now on does. It stays as it is when the execution changes.
    std::shared_ptr<const Steps> steps() const;
    // Replaces the kernel of a node; false where there is no such node of a kernel.
    bool set_kernel(Handle node, KernelWork work);
    // Takes over the work of a graph; false where its shape differs.
    bool update(const Graph& graph);

private:
    mutable std::mutex mutex_;
    std::vector<Handle> capture_order_;
    std::shared_ptr<const Steps> steps_;
};

// Removes a graph and its nodes; false where there is none.
bool destroy_graph(Handle handle);

}  // namespace nibble::simulator
