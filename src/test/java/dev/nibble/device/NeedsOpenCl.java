package dev.nibble.device;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips tests where there is no OpenCL device, and says why there is none. */
public final class NeedsOpenCl implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return Devices.providers().stream()
                .filter(provider -> provider.kind().equals("opencl"))
                .findFirst()
                .orElseThrow()
                .unavailable()
                .map(reason -> ConditionEvaluationResult.disabled("no OpenCL device: " + reason))
                .orElseGet(() -> ConditionEvaluationResult.enabled("there is an OpenCL device"));
    }
}
