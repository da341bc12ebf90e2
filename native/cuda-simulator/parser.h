// Parses PTX text.
#pragma once

#include <string>
#include <string_view>

#include "syntax.h"

namespace nibble::simulator {

// Throws PtxError. `name` stands in its message. The result has views of the text.
ModuleSyntax parse(std::string_view text, const std::string& name);

}  // namespace nibble::simulator
