package dev.nibble.check;

import dev.nibble.cli.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.ClassNameFilter;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * A program that runs tests and writes what became of them as JSON: {@code ChosenTests (METHOD... | CLASS-PATTERN)}. Methods are as
 * {@code package.Class#method}; a pattern chooses among the classes of devices' tests. It ends with {@value CheckPart#UNAVAILABLE} where
 * all were skipped.
 */
final class ChosenTests implements TestExecutionListener {
    private static final String DEVICES = "dev.nibble.device";

    private int held;
    private int skipped;
    private final List<Object> failures = new ArrayList<>();
    private final Set<String> reasons = new LinkedHashSet<>();

    /** Runs the tests and ends the process. */
    public static void main(String[] arguments) {
        ChosenTests tests = new ChosenTests();
        LauncherFactory.create().execute(request(arguments), tests);
        System.out.println(Json.write(Json.object(
                "held", tests.held,
                "failed", tests.failures.size(),
                "skipped", tests.skipped,
                "failures", tests.failures,
                "reasons", tests.reasons)));
        System.err.println(tests.summary());
        System.exit(tests.status());
    }

    private static LauncherDiscoveryRequest request(String... arguments) {
        LauncherDiscoveryRequestBuilder builder = LauncherDiscoveryRequestBuilder.request();
        if (arguments[0].contains("#")) {
            return builder.selectors(Arrays.stream(arguments)
                            .map(DiscoverySelectors::selectMethod)
                            .toArray(DiscoverySelector[]::new))
                    .build();
        }
        return builder.selectors(DiscoverySelectors.selectPackage(DEVICES))
                .filters(ClassNameFilter.includeClassNamePatterns(arguments))
                .build();
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        skip(reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        Throwable cause = result.getThrowable().orElse(null);
        switch (result.getStatus()) {
            case SUCCESSFUL -> held += test.isTest() ? 1 : 0;
            case ABORTED -> skip(cause == null ? "" : String.valueOf(cause.getMessage()));
            case FAILED -> failures.add(Json.object("test", name(test), "message", String.valueOf(cause)));
        }
    }

    private void skip(String reason) {
        skipped++;
        reasons.add(reason);
    }

    /** The class and what is displayed, which is the method or the case of it. */
    private static String name(TestIdentifier test) {
        return test.getUniqueId().replaceAll("\\[engine:[^]]*]/", "");
    }

    private String summary() {
        String counts = held + " tests held, " + failures.size() + " failed, " + skipped + " skipped";
        return reasons.isEmpty() ? counts : counts + " (" + String.join("; ", reasons) + ")";
    }

    private int status() {
        if (!failures.isEmpty()) {
            return 1;
        }
        return held == 0 ? CheckPart.UNAVAILABLE : 0;
    }
}
