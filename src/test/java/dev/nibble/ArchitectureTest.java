package dev.nibble;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.device.ProductInput;
import dev.nibble.device.ProductObserver;
import dev.nibble.device.WeightShape;
import dev.nibble.model.CpuExperts;
import dev.nibble.model.Split;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The borders between packages that modules would hold: the way of data, and who may know whom on it. */
class ArchitectureTest {
    private static final String ROOT = "dev.nibble";

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);

    /** Each package and those that it may use. All may use the exceptions of the root package. */
    private static final Map<String, List<String>> MAY_USE = Map.ofEntries(
            Map.entry("", List.of("gguf", "quant", "quantize", "tokenizer", "device", "model", "engine", "sampling")),
            Map.entry("gguf", List.of()),
            Map.entry("quant", List.of("gguf")),
            Map.entry("quantize", List.of("gguf", "quant")),
            Map.entry("quant.affine", List.of()),
            Map.entry("tokenizer", List.of("gguf")),
            Map.entry("foreign", List.of()),
            Map.entry("device", List.of("gguf", "quant", "foreign")),
            Map.entry("device.reference", List.of("device", "gguf", "quant", "quant.affine")),
            Map.entry("device.cpu", List.of("device", "gguf", "quant", "quant.affine", "foreign")),
            Map.entry("device.kernel", List.of("device")),
            Map.entry("device.opencl", List.of("device", "device.kernel", "gguf", "quant", "foreign")),
            Map.entry("device.cuda", List.of("device", "device.kernel", "gguf", "quant", "foreign")),
            Map.entry("model", List.of("gguf", "quant", "device")),
            Map.entry("engine", List.of("device", "model")),
            Map.entry("sampling", List.of("tokenizer")),
            Map.entry("evaluation", List.of("", "gguf", "quant")),
            Map.entry("cli", List.of("", "evaluation")),
            Map.entry("bench", List.of("", "cli")));

    private static final DescribedPredicate<JavaClass> EXCEPTIONS =
            belongToAnyOf(InvalidModelException.class, OutOfCapacityException.class, UnsupportedFeatureException.class);

    /** The types of a package below that the API's options speak of. */
    private static final DescribedPredicate<JavaClass> OPTION_TYPES = belongToAnyOf(
            Arithmetic.class,
            KvType.class,
            KvRotation.class,
            ProductInput.class,
            ProductObserver.class,
            Split.class,
            CpuExperts.class,
            WeightShape.class);

    private static String fullName(String name) {
        return name.isEmpty() ? ROOT : ROOT + "." + name;
    }

    private static Set<String> packages() {
        return CLASSES.stream()
                .map(JavaClass::getPackageName)
                .map(full -> full.equals(ROOT) ? "" : full.substring(ROOT.length() + 1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void everyPackageIsOnTheMap() {
        Set<String> missing = packages();
        missing.removeAll(MAY_USE.keySet());
        assertEquals(Set.of(), missing, "packages without a row in the table of who may use whom");
    }

    @Test
    void packagesUseOnlyThoseBelowThem() {
        for (String name : packages()) {
            DescribedPredicate<JavaClass> allowed = EXCEPTIONS.or(resideInAPackage(fullName(name)));
            for (String used : MAY_USE.getOrDefault(name, List.of())) {
                allowed = allowed.or(resideInAPackage(fullName(used)));
            }
            if (name.equals("cli") || name.equals("bench") || name.equals("evaluation")) {
                allowed = allowed.or(OPTION_TYPES);
            }
            noClasses()
                    .that()
                    .resideInAPackage(fullName(name))
                    .should()
                    .dependOnClassesThat(resideInAPackage(ROOT + "..").and(DescribedPredicate.not(allowed)))
                    .because("of what " + fullName(name) + " may use: " + MAY_USE.get(name))
                    .check(CLASSES);
        }
    }

    @Test
    void thereAreNoCycles() {
        slices().assignedFrom(new SliceAssignment() {
                    @Override
                    public SliceIdentifier getIdentifierOf(JavaClass type) {
                        return SliceIdentifier.of(type.getPackageName());
                    }

                    @Override
                    public String getDescription() {
                        return "packages";
                    }
                })
                .should()
                .beFreeOfCycles()
                .ignoreDependency(alwaysTrue(), EXCEPTIONS)
                .check(CLASSES);
    }

    @Test
    void devicesNeverKnowEachOther() {
        slices().matching(ROOT + ".device.(*)..")
                .should()
                .notDependOnEachOther()
                .ignoreDependency(alwaysTrue(), resideInAPackage(ROOT + ".device.kernel"))
                .check(CLASSES);
    }

    @Test
    void nativeCodeIsReachedFromDevicesOnly() {
        String[] natives = {ROOT + ".foreign..", ROOT + ".device.."};
        noClasses()
                .that()
                .resideOutsideOfPackages(natives)
                .should()
                .dependOnClassesThat(belongToAnyOf(Linker.class, SymbolLookup.class))
                .check(CLASSES);
        noClasses()
                .that()
                .resideOutsideOfPackages(natives)
                .should()
                .callMethodWhere(
                        target(owner(assignableTo(MemorySegment.class))).and(target(name("reinterpret"))))
                .check(CLASSES);
    }

    /** A thread in a critical call holds up the garbage collector: calls of drivers, which may wait, are never critical. */
    @Test
    void onlyTheCpuDeviceMakesCriticalCalls() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.nibble.device.cpu")
                .should()
                .callMethod(Linker.Option.class, "critical", boolean.class)
                .check(CLASSES);
    }

    @Test
    void theVectorModuleIsOptional() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".device.cpu")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator..")
                .check(CLASSES);
    }

    /** Picocli and Jackson are the command line's alone: an application gets no dependency with the library. */
    @Test
    void theLibraryNeedsNothingButTheJdk() {
        classes()
                .that()
                .resideOutsideOfPackages(ROOT + ".cli..", ROOT + ".bench..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(ROOT + "..", "java..", "com.sun.management", "jdk.incubator..", "org.jspecify..")
                .check(CLASSES);
    }

    @Test
    void everyPackageIsNullMarked() {
        for (String name : packages()) {
            assertTrue(
                    CLASSES.getPackage(fullName(name)).isAnnotatedWith(NullMarked.class),
                    fullName(name) + " has no @NullMarked in its package-info.java");
        }
    }

    @Test
    void namesSayWhatAThingIs() {
        noClasses()
                .should()
                .haveNameMatching(".*(Utils?|Manager|Impl|Helpers?)")
                .orShould()
                .haveSimpleNameStartingWith("Abstract")
                .check(CLASSES);
    }
}
