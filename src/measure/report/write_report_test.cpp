#include "measure/report/write_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "measure/report/test_results.hpp"

namespace cede::measure::report {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class write_report_to : public ::testing::Test {
 protected:
  write_report_to() {
    std::string name = (fs::temp_directory_path() / "cede-report-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~write_report_to() override { fs::remove_all(folder); }

  static void put(const fs::path& file, std::string_view text) {
    std::ofstream(file, std::ios::binary) << text;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
  }

  fs::path folder;
};

TEST_F(write_report_to, a_folder_that_is_made_holds_the_page_and_what_reads_back_equal) {
  const auto written = write_report(test::sample(), folder / "a" / "b");
  ASSERT_TRUE(written) << written.error();
  EXPECT_TRUE(fs::file_size(written->page) > 100'000);
  const auto read = read_report(written->json);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, test::sample());
}

TEST_F(write_report_to, what_was_there_is_replaced_and_nothing_else_is_left) {
  put(folder / "report.json", "old");
  put(folder / "report.html", "old");
  ASSERT_TRUE(write_report(test::sample(), folder));
  EXPECT_EQ(files(), 2U);
  EXPECT_TRUE(read_report(folder / "report.json"));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(fs::status(folder / "report.html").permissions(), fs::perms(0666 & ~mask));
}

TEST_F(write_report_to, a_place_that_cannot_be_written_gives_one_line_and_leaves_nothing) {
  put(folder / "file", "");
  const auto not_a_folder = write_report(test::sample(), folder / "file");
  ASSERT_FALSE(not_a_folder);
  EXPECT_THAT(not_a_folder.error(), HasSubstr("cannot write"));
  EXPECT_THAT(not_a_folder.error(), HasSubstr("file: "));
  fs::create_directory(folder / "report.html");
  put(folder / "report.html" / "in the way", "");
  const auto in_the_way = write_report(test::sample(), folder);
  ASSERT_FALSE(in_the_way);
  EXPECT_THAT(in_the_way.error(), HasSubstr("report.html: "));
  EXPECT_EQ(files(), 3U);  // report.json is whole, and no half-written file is left
}

TEST_F(write_report_to, a_file_that_cannot_be_read_is_named) {
  EXPECT_THAT(read_report(folder / "none.json").error(), HasSubstr("none.json: No such file"));
  EXPECT_THAT(read_report(folder).error(), HasSubstr("Is a directory"));
  put(folder / "bad.json", "{");
  EXPECT_THAT(read_report(folder / "bad.json").error(), HasSubstr("bad.json: it is not JSON"));
}

}  // namespace
}  // namespace cede::measure::report
