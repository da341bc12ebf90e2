// How a caller describes a launch, and the work that it becomes.
#pragma once

#include "work.h"

namespace nibble::simulator {

// CUDA_KERNEL_NODE_PARAMS_v1 of the driver's header.
struct KernelNodeParameters {
    Handle function;
    unsigned grid[3];
    unsigned block[3];
    unsigned dynamic_shared;
    void** arguments;
    void** extra;
};

// Copies the arguments and checks the launch. Throws Failure.
KernelWork kernel_work(const KernelNodeParameters& parameters, const Context& context);

}  // namespace nibble::simulator
