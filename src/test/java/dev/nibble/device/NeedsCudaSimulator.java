package dev.nibble.device;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips tests of injected faults where CUDA is not the simulator, and says so. */
public final class NeedsCudaSimulator implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return Devices.providers().stream()
                        .filter(provider -> provider.kind().equals("cuda"))
                        .flatMap(provider -> provider.devices().stream())
                        .anyMatch(device -> device.contains("simulated"))
                ? ConditionEvaluationResult.enabled("CUDA is simulated")
                : ConditionEvaluationResult.disabled("CUDA is not simulated here");
    }
}
