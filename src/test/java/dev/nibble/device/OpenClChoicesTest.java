package dev.nibble.device;

import dev.nibble.device.opencl.AlteredDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** Choices, with the kernels that a GPU gets: work-items that share a row. */
@Tag("slow")
@ExtendWith(NeedsOpenCl.class)
class OpenClChoicesTest extends ChoiceContract {
    OpenClChoicesTest() {
        super(new Subject(AlteredDevice.gpu(), Devices.open("reference", new DeviceOptions(1, false)), 0));
    }
}
