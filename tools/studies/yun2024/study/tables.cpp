// SPDX-License-Identifier: Apache-2.0
// The claims as tables: CSV for programs, Markdown for the page.
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

using FindingsByCase = std::map<std::string, Finding, std::less<>>;   // by case

/// Columns of the table of claims: two engines under two laws, and moecost's own model of today's.
constexpr std::string_view main_cases[] = {"engine-2024", "engine-2024-y-c", "engine-2026", "engine-2026-y-c",
                                           "full"};

/// What a reader asks first; the rest stands in claims.md.
constexpr std::string_view headlines[] = {"P16", "P11", "P17", "P18", "P20",
                                          "P25", "P27", "P28", "P30", "P39"};

/// A claim that no law and no cost enters is the same in every case.
bool moves(const Claim& claim, const Case& c, const Case& usual) {
    if (claim.needs == "none") return false;
    if (claim.needs == "cost") return true;
    return c.law.id != usual.law.id || c.compute != usual.compute;
}

/// Of a claim over the engines, by the law Y-P.
Class class_of(const FindingsByCase& by) {
    return class_of(by.find("engine-2024")->second, by.find("engine-2026")->second);
}

std::string_view mark(Verdict v) {
    return v == Verdict::reproduced ? "yes" : v == Verdict::differs ? "no" : "-";
}

std::string cell(const Finding& f) {
    if (f.verdict == Verdict::untestable) return "-";
    return std::string(mark(f.verdict)).append(": ").append(f.shown);
}

std::string claims_csv(const std::vector<Claim>& claims,
                       const std::map<std::string_view, FindingsByCase>& found) {
    std::string s("id,statement,paper,rule,used_in");
    for (const std::string_view id : main_cases)
        s.append(",").append(id).append(",").append(id).append("_verdict");
    s.append(",verdict,why\n");
    for (const Claim& claim : claims) {
        s.append(claim.id);
        for (const std::string_view text : {claim.statement, claim.printed, claim.rule, claim.used})
            s.append(",").append(csv_field(text));
        for (const std::string_view id : main_cases) {
            const Finding& f = found.at(claim.id).find(id)->second;
            s.append(",").append(csv_field(f.shown)).append(",").append(name_of(f.verdict));
        }
        const Finding& f = found.at(claim.id).find("engine-2024")->second;
        s.append(",")
            .append(name_of(class_of(found.at(claim.id))))
            .append(",")
            .append(csv_field(f.why))
            .append("\n");
    }
    return s;
}

/// The ten that a reader asks for first: print, both engines, what became of it.
std::string headlines_table(const std::vector<Claim>& claims,
                            const std::map<std::string_view, FindingsByCase>& found) {
    std::string s(
        "| | claim | print | engine of early 2024 | engine of 2026 | verdict |\n|---|---|---|---|---|---|\n");
    for (const std::string_view id : headlines) {
        for (const Claim& claim : claims) {
            if (claim.id != id) continue;
            const FindingsByCase& by = found.at(claim.id);
            s.append("| ")
                .append(id)
                .append(" | ")
                .append(claim.statement)
                .append(" | ")
                .append(claim.printed);
            for (const std::string_view engine : {"engine-2024", "engine-2026"})
                s.append(" | ").append(cell(by.find(engine)->second));
            s.append(" | ").append(name_of(class_of(by))).append(" |\n");
        }
    }
    return s;
}

/// How many claims fall into each class.
std::string tally_table(const std::vector<Claim>& claims,
                        const std::map<std::string_view, FindingsByCase>& found) {
    std::map<Class, std::string> ids;
    std::map<Class, int> counts;
    for (const Claim& claim : claims) {
        const Class c = class_of(found.at(claim.id));
        ids[c].append(ids[c].empty() ? "" : " ").append(claim.id);
        ++counts[c];
    }
    std::string s("| verdict | claims | which |\n|---|---|---|\n");
    for (const Class c : {Class::reproduced, Class::of_its_day, Class::same_direction, Class::contradicted,
                          Class::untestable}) {
        s.append("| ").append(name_of(c)).append(" | ").append(std::to_string(counts[c])).append(" | ");
        s.append(ids[c]).append(" |\n");
    }
    return s;
}

std::string claims_table(const std::vector<Claim>& claims,
                         const std::map<std::string_view, FindingsByCase>& found) {
    std::string s(
        "| id | claim | print | 2024, Y-P | 2024, Y-C | 2026, Y-P | 2026, Y-C | 2026, full model | verdict "
        "|\n"
        "|---|---|---|---|---|---|---|---|---|\n");
    for (const Claim& claim : claims) {
        const FindingsByCase& by = found.at(claim.id);
        s.append("| ")
            .append(claim.id)
            .append(" | ")
            .append(claim.statement)
            .append(" | ")
            .append(claim.printed);
        for (const std::string_view id : main_cases) s.append(" | ").append(cell(by.find(id)->second));
        s.append(" | ").append(name_of(class_of(by))).append(" |\n");
    }
    return s;
}

/// The rule of each claim and what stands behind its number, apart from the numbers.
std::string rules_table(const std::vector<Claim>& claims,
                        const std::map<std::string_view, FindingsByCase>& found) {
    std::string s("| id | reproduced when | why it comes out so | made with its help |\n|---|---|---|---|\n");
    for (const Claim& claim : claims) {
        s.append("| ").append(claim.id).append(" | ").append(claim.rule).append(" | ");
        s.append(found.at(claim.id).find("engine-2024")->second.why).append(" | ");
        s.append(claim.used.empty() ? "-" : claim.used).append(" |\n");
    }
    return s;
}

std::string variants_csv(const std::vector<Claim>& claims, const std::vector<Case>& cases,
                         const std::map<std::string_view, FindingsByCase>& found) {
    std::string s("id,case,value,verdict\n");
    for (const Claim& claim : claims) {
        for (const Case& c : cases) {
            const Finding& f = found.at(claim.id).find(c.id)->second;
            s.append(claim.id).append(",").append(c.id).append(",").append(csv_field(f.shown)).append(",");
            s.append(name_of(f.verdict)).append("\n");
        }
    }
    return s;
}

/// Claims of a kind that differ in the default case or whose verdict some change turns: one row each, one column a case.
std::string variants_table(const std::vector<Claim>& claims, std::string_view needs,
                           const std::vector<std::string>& ids,
                           const std::map<std::string_view, FindingsByCase>& found) {
    std::string s("| claim | paper |");
    std::string rule("|---|---|");
    for (const std::string& id : ids) {
        s.append(" ").append(id).append(" |");
        rule.append("---|");
    }
    s.append("\n").append(rule).append("\n");
    for (const Claim& claim : claims) {
        const FindingsByCase& by = found.at(claim.id);
        const Verdict usual = by.find("default")->second.verdict;
        bool shown = usual == Verdict::differs;
        for (const std::string& id : ids) {
            const Verdict v = by.find(id)->second.verdict;
            shown = shown || (v != usual && v != Verdict::untestable);
        }
        if (!shown || claim.needs != needs) continue;
        s.append("| ").append(claim.id).append(" | ").append(claim.printed).append(" |");
        for (const std::string& id : ids) s.append(" ").append(cell(by.find(id)->second)).append(" |");
        s.append("\n");
    }
    return s;
}

/// Cases that differ from the default in what serving costs.
std::vector<std::string> serving_cases(const std::vector<Case>& cases) {
    std::vector<std::string> ids;
    for (const Case& c : cases) {
        if (c.law.id == cases.front().law.id && c.compute == cases.front().compute) ids.push_back(c.id);
    }
    return ids;
}

/// How many claims each case reproduces, and whose verdict it turns.
std::string cases_table(const std::vector<Claim>& claims, const std::vector<Case>& cases,
                        const std::map<std::string_view, FindingsByCase>& found) {
    std::string s(
        "| case | what is different | kappa, 4 to 32 experts | reproduced | differs | gained | lost "
        "|\n|---|---|---|---|---|---|---|\n");
    for (const Case& c : cases) {
        int yes = 0;
        int no = 0;
        std::string gained;
        std::string lost;
        for (const Claim& claim : claims) {
            const Verdict usual = found.at(claim.id).find("default")->second.verdict;
            const Verdict v = found.at(claim.id).find(c.id)->second.verdict;
            yes += v == Verdict::reproduced;
            no += v == Verdict::differs;
            if (v == usual || v == Verdict::untestable) continue;
            std::string& list = v == Verdict::reproduced ? gained : lost;
            list.append(list.empty() ? "" : " ").append(claim.id);
        }
        s.append("| ").append(c.id).append(" | ").append(c.what).append(" | ").append(fixed(kappa(c, 4), 2));
        s.append(" to ").append(fixed(kappa(c, 32), 2)).append(" | ").append(std::to_string(yes));
        s.append(" | ").append(std::to_string(no)).append(" | ").append(gained.empty() ? "-" : gained);
        s.append(" | ").append(lost.empty() ? "-" : lost).append(" |\n");
    }
    return s;
}

}   // namespace

void write_tables(const std::string& folder, const World& world, const std::vector<Case>& cases) {
    const std::vector<Claim> claims = all_claims();
    std::map<std::string_view, FindingsByCase> found;
    for (const Case& c : cases) {
        const Answers answers = answer(c);
        for (const Claim& claim : claims) {
            FindingsByCase& by = found[claim.id];
            by[c.id] = moves(claim, c, cases.front()) || c.id == cases.front().id
                           ? claim.test(world, c, answers)
                           : by.find(cases.front().id)->second;
        }
    }
    write_file(folder + "/claims.csv", claims_csv(claims, found));
    write_file(folder + "/variants.csv", variants_csv(claims, cases, found));
    write_file(folder + "/headlines.md", headlines_table(claims, found));
    write_file(folder + "/tally.md", tally_table(claims, found));
    write_file(folder + "/claims.md", claims_table(claims, found));
    write_file(folder + "/rules.md", rules_table(claims, found));
    write_file(folder + "/by_serving.md", variants_table(claims, "cost", serving_cases(cases), found));
    write_file(folder + "/by_law.md", variants_table(claims, "law", {"default", "y-c", "8nd"}, found));
    write_file(folder + "/cases.md", cases_table(claims, cases, found));
}

}   // namespace moecost::yun2024
