#include "graph.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "driver.h"

namespace nibble::simulator {
namespace {

bool is_ready(const GraphNode& node, const std::unordered_set<Handle>& done) {
    return std::ranges::all_of(node.after, [&](Handle before) { return done.contains(before); });
}

// Of the nodes that can be done, always the last one.
Steps order(const Graph& graph) {
    Steps steps;
    std::unordered_set<Handle> done;
    std::vector<std::shared_ptr<GraphNode>> left(graph.nodes.rbegin(), graph.nodes.rend());
    while (!left.empty()) {
        const auto next = std::ranges::find_if(left, [&](const auto& node) { return is_ready(*node, done); });
        steps.push_back(**next);
        done.insert((*next)->handle);
        left.erase(next);
    }
    return steps;
}

// The places in `order` of what a node depends on.
std::vector<std::size_t> places(const std::vector<Handle>& order, const std::vector<Handle>& handles) {
    std::vector<std::size_t> found;
    for (const Handle handle : handles) {
        found.push_back(static_cast<std::size_t>(std::ranges::find(order, handle) - order.begin()));
    }
    std::ranges::sort(found);
    return found;
}

std::vector<Handle> handles_of(const Graph& graph) {
    std::vector<Handle> handles;
    for (const auto& node : graph.nodes) {
        handles.push_back(node->handle);
    }
    return handles;
}

// Nodes may take over each other's work where they do the same kind of thing in the same context.
bool alike(const GraphNode& one, const GraphNode& other) {
    return one.work.index() == other.work.index() && one.context.lock() == other.context.lock();
}

}  // namespace

GraphExecution::GraphExecution(std::weak_ptr<Context> owner, const Graph& graph)
    : context(std::move(owner)),
      capture_order_(handles_of(graph)),
      steps_(std::make_shared<const Steps>(order(graph))) {}

std::shared_ptr<const Steps> GraphExecution::steps() const {
    const std::lock_guard lock(mutex_);
    return steps_;
}

bool GraphExecution::set_kernel(Handle node, KernelWork work) {
    const std::lock_guard lock(mutex_);
    auto changed = std::make_shared<Steps>(*steps_);
    for (GraphNode& step : *changed) {
        if (step.handle == node && std::holds_alternative<KernelWork>(step.work)) {
            step.work = std::move(work);
            steps_ = changed;
            return true;
        }
    }
    return false;
}

bool GraphExecution::update(const Graph& graph) {
    const std::lock_guard lock(mutex_);
    const std::vector<Handle> other_order = handles_of(graph);
    if (other_order.size() != capture_order_.size()) {
        return false;
    }
    auto changed = std::make_shared<Steps>(*steps_);
    for (GraphNode& step : *changed) {
        const std::size_t place = places(capture_order_, {step.handle}).front();
        const GraphNode& other = *graph.nodes[place];
        if (!alike(step, other) || places(capture_order_, step.after) != places(other_order, other.after)) {
            return false;
        }
        step.work = other.work;
    }
    steps_ = changed;
    return true;
}

bool destroy_graph(Handle handle) {
    const auto graph = driver().graphs.find(handle);
    if (graph == nullptr || !driver().graphs.remove(handle)) {
        return false;
    }
    for (const auto& node : graph->nodes) {
        driver().nodes.remove(node->handle);
    }
    return true;
}

}  // namespace nibble::simulator
