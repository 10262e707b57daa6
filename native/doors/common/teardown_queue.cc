#include "common/teardown_queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "common/address.h"
#include "common/text.h"
#include "sys/unique_fd.h"

namespace door {

namespace {

[[noreturn]] void failed(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

/// Makes a file name that sorts by time and is unique to this process.
std::string fresh_name() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  char name[64];
  snprintf(name, sizeof name, "%011lld-%09ld-%d", static_cast<long long>(now.tv_sec), now.tv_nsec, getpid());
  return name;
}

/// Writes a file, and removes it again if it cannot be written completely.
void write_whole(const std::string& file, const std::string& text) {
  const sys::UniqueFd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) failed(file);
  if (write_all(fd.get(), text)) return;
  const int error = errno;
  unlink(file.c_str());
  errno = error;
  failed(file);
}

std::string queue_directory() { return run_directory() + "/teardowns"; }

bool is_finished(const std::string& file) {
  constexpr std::string_view suffix = ".json";
  return file.size() > suffix.size() && file.compare(file.size() - suffix.size(), suffix.size(), suffix) == 0;
}

bool includes_all(const nlohmann::json& networks, const nlohmann::json& others) {
  return others.is_array() && std::all_of(others.begin(), others.end(), [&](const nlohmann::json& other) {
           return std::find(networks.begin(), networks.end(), other) != networks.end();
         });
}

bool is_within(const nlohmann::json& teardown, const nlohmann::json& request) {
  return teardown.is_object() && !teardown.contains("call") &&
         teardown.value("id", nlohmann::json()) == request["id"] &&
         teardown.value("netns", nlohmann::json()) == request["netns"] &&
         includes_all(request["networks"], teardown.value("networks", nlohmann::json()));
}

}  // namespace

void queue_teardown(const nlohmann::json& request) {
  const std::string directory = queue_directory();
  struct stat there {};
  if (stat(directory.c_str(), &there) != 0) return;
  const std::string name = directory + "/" + fresh_name();
  // the daemon reads only files with the final name
  write_whole(name + ".new", request.dump());
  if (rename((name + ".new").c_str(), (name + ".json").c_str()) != 0) failed(name);
}

void drop_teardowns(const nlohmann::json& request) {
  const std::string directory = queue_directory();
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(directory.c_str()), closedir);
  if (!listing) return;
  while (const dirent* entry = readdir(listing.get())) {
    const std::string file = directory + "/" + entry->d_name;
    if (!is_finished(file)) continue;
    const std::optional<std::string> text = read_ordinary_file(file);
    if (text && is_within(nlohmann::json::parse(*text, nullptr, false), request)) unlink(file.c_str());
  }
}

}  // namespace door
