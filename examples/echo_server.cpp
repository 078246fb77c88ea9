#include <cede/cede.hpp>
int main() {
  return cede::run([] {
    auto listener = cede::tcp_listener::bind("127.0.0.1", 7000).value();
    cede::scope connections;
    while (auto stream = listener.accept())
      connections.spawn([s = std::move(*stream)]() mutable {
        std::array<std::byte, 4096> buffer;
        while (auto n = s.read_some(buffer)) {
          if (*n == 0) break;
          if (!s.write_all(std::span(buffer).first(*n))) break;
        }
      });
  });
}
