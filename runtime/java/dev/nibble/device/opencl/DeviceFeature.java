package dev.nibble.device.opencl;

import java.util.Locale;

/** What some devices have beyond OpenCL 1.2. Kernels use it where a test at the start finds it right, each by a build option. */
enum DeviceFeature {
    /** Products of four bytes with four others, added up. */
    INTEGER_DOT("cl_khr_integer_dot_product", 4, -4 * 255 * 128, 1 + 4 - 3 - 8, 128 * 127 - 255 * 128 - 127 * 128, 0),
    /** Sums over work-items that run together. */
    SUB_GROUPS("cl_khr_subgroups", 64),
    /** Arithmetic in half precision, and loads of it as of any number. */
    FP16("cl_khr_fp16", 4, 16, -80, 1, 65504 * 16);

    private final String extension;
    private final int workItems;
    private final int[] results;

    /** @param results of the test; none: zeros */
    DeviceFeature(String extension, int workItems, int... results) {
        this.extension = extension;
        this.workItems = workItems;
        this.results = results.length == 0 ? new int[workItems] : results;
    }

    /** The extension that a device lists. */
    String extension() {
        return extension;
    }

    /** The build option that makes kernels use it. */
    String option() {
        return "-D" + name();
    }

    /** The kernel of its test in {@code features.cl}. */
    String kernel() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Work-items of the test, in one group. */
    int workItems() {
        return workItems;
    }

    /** What the test writes where the feature is right. */
    int[] results() {
        return results.clone();
    }

    /** The name for people. */
    String title() {
        return kernel().replace('_', '-');
    }
}
