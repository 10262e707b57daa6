#include "netavark/options.h"

#include <algorithm>
#include <iterator>

namespace door {

namespace {

/// An option that may be given before the command, or `--network-dns-servers` after `update`.
struct Flag {
  const char* name;
  /// none: 0
  char letter;
  bool takes_value;
};

constexpr Flag global_flags[] = {
    {"--file", 'f', true},           {"--config", 'c', true},
    {"--rootless", 'r', true},       {"--aardvark-binary", 'a', true},
    {"--plugin-directory", 0, true}, {"--firewall-driver", 0, true},
    {"--version", 'V', false},       {"--help", 'h', false},
};
constexpr Flag help_flags[] = {{"--help", 'h', false}};
constexpr Flag update_flags[] = {{"--network-dns-servers", 0, true}, {"--help", 'h', false}};

/// A flag that was found, and its value.
struct Found {
  std::string name, value;
};

/// The words of a command line, from the left. Names cannot be abbreviated: the meaning of podman's command must not
/// depend on other names.
class Words {
 public:
  Words(int argc, char** argv) : words_(argv + std::min(argc, 1), argv + argc) {}

  bool ended() const { return words_.size() == at_; }
  bool at_flag() const { return !ended() && words_[at_].size() > 1 && words_[at_][0] == '-'; }
  std::string next() { return words_[at_++]; }

  bool skip(const char* word) {
    if (words_[at_] != word) return false;
    at_++;
    return true;
  }

  /// Takes a flag: `--name value`, `--name=value`, `-n value`, `-nvalue`.
  template <size_t Count>
  Found flag(const Flag (&known)[Count]) {
    const std::string word = next();
    const bool is_long = word[1] == '-';
    const size_t name_end = is_long ? std::min(word.find('='), word.size()) : 2;
    const std::string name = word.substr(0, name_end);
    const Flag* const flag = std::find_if(std::begin(known), std::end(known), [&](const Flag& one) {
      return is_long ? name == one.name : name[1] == one.letter;
    });
    const bool has_value = name_end < word.size();
    if (flag == std::end(known) || (has_value && !flag->takes_value))
      throw UsageError("unexpected argument '" + word + "'");
    if (!flag->takes_value) return {flag->name, ""};
    if (has_value) return {flag->name, word.substr(is_long ? name_end + 1 : name_end)};
    if (ended()) throw UsageError("a value is required for '" + word + "'");
    return {flag->name, next()};
  }

 private:
  const std::vector<std::string> words_;
  size_t at_ = 0;
};

bool boolean(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  throw UsageError("invalid value '" + text + "' for '--rootless <ROOTLESS>': expected true or false");
}

/// Takes a global option. true: it is a command by itself.
bool parse_global(Options& options, Words& words) {
  while (words.at_flag()) {
    const Found found = words.flag(global_flags);
    if (found.name == "--file") options.file = found.value;
    if (found.name == "--rootless") options.rootless = boolean(found.value);
    if (found.name == "--firewall-driver") options.firewall_driver = found.value;
    if (found.name != "--version" && found.name != "--help") continue;
    options.command = found.name;
    return true;
  }
  return false;
}

/// Takes the arguments and flags after the command, in any order; after `--`, arguments only.
template <size_t Count>
void parse_rest(Options& options, Words& words, const Flag (&known)[Count]) {
  bool only_arguments = false, has_servers = false;
  while (!words.ended()) {
    if (only_arguments || !words.at_flag()) {
      options.arguments.push_back(words.next());
      continue;
    }
    if (words.skip("--")) {
      only_arguments = true;
      continue;
    }
    const Found found = words.flag(known);
    if (found.name == "--help") {
      options.command = found.name;
      return;
    }
    options.dns_servers = found.value;
    has_servers = true;
  }
  if (options.command == "update" && !has_servers)
    throw UsageError("the following required argument was not provided: --network-dns-servers <LIST>");
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  Words words(argc, argv);
  if (parse_global(options, words)) return options;
  if (words.ended()) throw UsageError("a command is missing: setup, teardown, update, create or version");
  options.command = words.next();
  if (options.command == "update")
    parse_rest(options, words, update_flags);
  else
    parse_rest(options, words, help_flags);
  if (options.command == "help") options.command = "--help";
  return options;
}

}  // namespace door
