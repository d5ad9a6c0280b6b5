// Reads control group quotas (see cgroup.h). Formats: proc(5) of the Linux manual, "mountinfo"; cgroups(7);
// Documentation/admin-guide/cgroup-v2.rst of the kernel for cpu.max.
#include "base/cgroup.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

namespace nnf {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

bool has_item(const std::string& list, const std::string& item) {
  std::istringstream in(list);
  for (std::string s; std::getline(in, s, ',');) {
    if (s == item) return true;
  }
  return false;
}

// mountinfo writes blanks and backslashes as three octal digits: "\040".
std::string unescape(const std::string& s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\' && i + 3 < s.size()) {
      out += static_cast<char>(std::strtol(s.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      out += s[i];
    }
  }
  return out;
}

struct Mount {
  std::string root, point;  // the folder of the hierarchy that is seen at `point`
  bool v2 = false;
};

// The mounts that can hold a CPU quota.
std::vector<Mount> cpu_mounts(const std::string& path) {
  std::vector<Mount> mounts;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.find(" cgroup") == std::string::npos) continue;  // most lines of most machines
    // id parent major:minor root point options [optional ...] - type source super-options
    std::istringstream in(line);
    std::string skip, field, type, source, options;
    Mount mount;
    in >> skip >> skip >> skip >> mount.root >> mount.point;
    while (in >> field && field != "-") {
    }
    in >> type >> source >> options;
    mount.root = unescape(mount.root);
    mount.point = unescape(mount.point);
    mount.v2 = type == "cgroup2";
    if (mount.v2 || (type == "cgroup" && has_item(options, "cpu"))) mounts.push_back(mount);
  }
  return mounts;
}

// CPUs that one folder's files allow; kNoLimit for "max", -1 and missing or unreadable files.
double folder_limit(const std::string& folder, bool v2) {
  double quota = 0, period = 0;
  if (v2) {
    std::ifstream file(folder + "/cpu.max");
    if (!(file >> quota >> period)) return kNoLimit;  // also "max 100000"
  } else {
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return kNoLimit;
  }
  return quota > 0 && period > 0 ? quota / period : kNoLimit;
}

// The least of the limits from `path` (as /proc/self/cgroup names it) up to the mount point.
double walk_up(const Mount& mount, std::string path) {
  // Inside a container the mount shows only a part of the hierarchy, and the path may still be the host's: below
  // the mount's root it is made relative; otherwise (also "/../..", outside of our namespace) only the top is ours.
  if (mount.root != "/") {
    const bool below = path.compare(0, mount.root.size(), mount.root) == 0 &&
                       (path.size() == mount.root.size() || path[mount.root.size()] == '/');
    path = below ? path.substr(mount.root.size()) : std::string();
  }
  if (path.find("/..") != std::string::npos) path.clear();
  double limit = kNoLimit;
  for (;;) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    limit = std::min(limit, folder_limit(mount.point + path, mount.v2));
    if (path.empty()) return limit;
    const std::size_t slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
}

}  // namespace

int cgroup_cpu_limit(const std::string& proc_self) {
  std::ifstream file(proc_self + "/cgroup");
  std::vector<Mount> mounts;
  double limit = kNoLimit;
  for (std::string line; std::getline(file, line);) {
    // hierarchy:controllers:path; v2 is hierarchy 0 without controllers
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    const bool v2 = controllers.empty();
    if (!v2 && !has_item(controllers, "cpu")) continue;
    if (mounts.empty()) mounts = cpu_mounts(proc_self + "/mountinfo");
    for (const Mount& mount : mounts) {
      if (mount.v2 == v2) limit = std::min(limit, walk_up(mount, path));
    }
  }
  if (!(limit < 1e6)) return 0;
  return std::max(1, static_cast<int>(std::floor(limit)));
}

}  // namespace nnf
