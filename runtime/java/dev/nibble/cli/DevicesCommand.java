package dev.nibble.cli;

import dev.nibble.DeviceInfo;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.KvType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParentCommand;

/** {@code nibble devices}: what models can run on here. */
@Command(name = "devices", description = "Lists the devices of this machine, and why others cannot be used.")
final class DevicesCommand implements Callable<Integer> {
    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() {
        List<DeviceInfo> devices = DeviceInfo.all();
        if (common.json()) {
            nibble.terminal()
                    .println(Json.write(Json.object(
                            "devices",
                                    devices.stream().map(DevicesCommand::json).toList(),
                            "kv_types", kvTypes().toList())));
        } else {
            Table table = new Table("device", "usable", "arithmetic", "description");
            for (DeviceInfo device : devices) {
                table.row(
                        device.name(),
                        device.available() ? "yes" : "no",
                        arithmetics(device).collect(Collectors.joining(", ")),
                        device.description());
            }
            String caches = kvTypes().collect(Collectors.joining(", "));
            nibble.terminal().print(table.text() + "\nKV cache types: " + caches + "\n");
        }
        return ExitStatus.DONE.code();
    }

    private static Stream<String> kvTypes() {
        return Arrays.stream(KvType.values()).map(KvType::id);
    }

    private static Map<String, Object> json(DeviceInfo device) {
        return Json.object(
                "name",
                device.name(),
                "available",
                device.available(),
                "automatic",
                device.automatic(),
                device.available() ? "description" : "reason",
                device.description(),
                "arithmetics",
                arithmetics(device).toList());
    }

    private static Stream<String> arithmetics(DeviceInfo device) {
        return device.arithmetics().stream().map(Arithmetic::id);
    }
}
