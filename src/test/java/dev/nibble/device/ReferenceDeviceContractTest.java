package dev.nibble.device;

/** The reference device with int8 activations, against formulas written out in the test. */
class ReferenceDeviceContractTest extends LatentContract {
    @Override
    Device device() {
        return Devices.open("reference", new DeviceOptions(2, false));
    }

    @Override
    Device reference() {
        return new TextbookDevice(false);
    }

    @Override
    double tolerance() {
        return 1e-12;
    }
}
