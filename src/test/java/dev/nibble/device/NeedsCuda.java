package dev.nibble.device;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips tests where there is no CUDA device, simulated or not, and says why there is none. */
public final class NeedsCuda implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return Devices.providers().stream()
                .filter(provider -> provider.kind().equals("cuda"))
                .findFirst()
                .orElseThrow()
                .unavailable()
                .map(reason -> ConditionEvaluationResult.disabled("no CUDA device: " + reason))
                .orElseGet(() -> ConditionEvaluationResult.enabled("there is a CUDA device"));
    }
}
