package dev.nibble.simulator;

import dev.nibble.foreign.CudaLibrary;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips tests where the CUDA driver is not the simulator, because it was not built or another driver was chosen. */
public final class NeedsCudaSimulator implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        CudaLibrary library = CudaLibrary.system();
        if (library.calls() == null) {
            return ConditionEvaluationResult.disabled("no CUDA simulator: " + library.missing());
        }
        return library.simulated()
                ? ConditionEvaluationResult.enabled("CUDA is simulated")
                : ConditionEvaluationResult.disabled("CUDA is not simulated");
    }
}
