package dev.nibble.device;

/** The reference device with float32 activations, against formulas written out in the test. */
class ReferenceExactContractTest extends LatentContract {
    @Override
    Device device() {
        return Devices.open("reference", new DeviceOptions(1, true));
    }

    @Override
    Device reference() {
        return new TextbookDevice(true);
    }

    @Override
    double tolerance() {
        return 1e-12;
    }
}
