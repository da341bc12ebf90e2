package dev.nibble.device;

import dev.nibble.UnsupportedFeatureException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** The first OpenCL device of this machine against the reference; skipped where there is none. {@link OpenClAttentionContractTest} has the rest. */
@ExtendWith({NeedsOpenCl.class, OpenClDeviceContractTest.Refusals.class})
class OpenClDeviceContractTest extends ContractWithoutAttention {
    @Override
    Device device() {
        return Devices.open("opencl:0", DeviceOptions.DEFAULT);
    }

    @Override
    Device reference() {
        return Devices.open("reference", new DeviceOptions(1, false));
    }

    @Override
    double tolerance() {
        return 1e-9;
    }

    @Override
    long mostBytes(WeightShape shape) {
        return (long) (1.03 * shape.bytes());
    }

    /** Tests of weights of types that the device refuses are skipped. */
    static final class Refusals implements TestExecutionExceptionHandler {
        @Override
        public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
            boolean refused = failure instanceof UnsupportedFeatureException
                    && String.valueOf(failure.getMessage()).contains("cannot read this type");
            Assumptions.assumeFalse(refused, failure.getMessage());
            throw failure;
        }
    }
}
