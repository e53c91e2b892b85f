//! The dispatch order (维修派工单) as a page to print: one A4 sheet, numbered, with a QR code that leads to
//! the matter. Pure. Whatever somebody wrote is escaped: it shows as it was typed and runs nowhere.

use std::fmt::Write;

use qrcode::{EcLevel, QrCode, render::svg};

use crate::desk::{
    matter::{Matter, field},
    ticket::LocalTime,
    work_order::{Extent, WorkOrder},
};

/// The page. `link` is what the QR code holds; a link too long for one is left out.
pub fn page(company: &str, order: &WorkOrder, matter: &Matter, link: &str) -> String {
    let mut rows = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(rows, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(value));
        }
    };
    let extent = match order.extent {
        Extent::InHome => "入户维修",
        Extent::Project => "维修工程",
    };
    row("类别", &if order.rush { format!("{extent}（急修）") } else { extent.to_owned() });
    row("地址", format!("{} {}", matter.place.estate, matter.place.label()).trim());
    row("业主", &matter.name);
    row("电话", matter.number.as_ref().map_or("", |number| number.reveal()));
    row("事由", &matter.summary);
    for rule in matter.kind.into_iter().flat_map(field::of) {
        row(rule.chinese, matter.fields.get(&rule.field).map_or("", String::as_str));
    }
    row("维修人员", &order.crew);
    let appointment = order.appointment.map(|a| format!("{} 至 {}", minute(a.from), a.to.format("%H:%M")));
    row("预约时间", &appointment.unwrap_or_default());
    row("原派工单", &order.second_of.map(|first| first.to_string()).unwrap_or_default());
    row("派单", &format!("{} {}", order.made_by, minute(order.made)));
    let mut parts = String::new();
    for part in &order.parts {
        let _ = writeln!(
            parts,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&part.name),
            escaped(&part.quantity),
            field::yuan(part.price_fen)
        );
    }
    if order.finished.is_none() {
        parts = "<tr><td>&nbsp;</td><td></td><td></td></tr>\n".repeat(4);
    }
    let known = |at: Option<LocalTime>| at.map_or_else(String::new, minute);
    let charge = order.finished.map_or_else(String::new, |_| field::yuan(order.charge_fen()));
    let labour = order.finished.map_or_else(String::new, |_| field::yuan(order.labour_fen));
    let accepted = order.accepted.as_ref();
    format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>{number}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<header>\n<div><h1>维修派工单</h1>\n<p>{company}</p>\n\
         <p class=\"number\">{number}　事项 {matter}</p></div>\n{code}\n</header>\n\
         <table class=\"facts\">\n{rows}</table>\n\
         <table class=\"facts\">\n<tr><th>到达时间</th><td>{arrived}</td><th>完成时间</th><td>{finished}</td></tr>\n\
         <tr><th>维修内容</th><td colspan=\"3\" class=\"tall\">{work}</td></tr>\n</table>\n\
         <table class=\"parts\">\n<tr><th>材料</th><th>数量</th><th>金额（元）</th></tr>\n{parts}\
         <tr><td>人工</td><td></td><td>{labour}</td></tr>\n<tr><th>合计</th><td></td><td>{charge}</td></tr>\n</table>\n\
         <table class=\"facts\">\n<tr><th>业主意见</th><td colspan=\"3\" class=\"tall\">{opinion}</td></tr>\n\
         <tr><th>业主签字</th><td class=\"sign\">{by}</td><th>维修人员签字</th><td class=\"sign\"></td></tr>\n</table>\n\
         </body>\n</html>\n",
        number = order.id,
        matter = matter.id,
        company = escaped(company),
        code = code(link),
        arrived = known(order.arrived),
        finished = known(order.finished),
        work = escaped(&order.work),
        opinion = escaped(accepted.map_or("", |a| a.opinion.as_str())),
        by = escaped(accepted.map_or("", |a| a.by.as_str())),
    )
}

const STYLE: &str = "@page{size:A4;margin:15mm}body{font:11pt/1.5 \"Noto Sans CJK SC\",\"Microsoft YaHei\",sans-serif;\
    color:#000}header{display:flex;justify-content:space-between;align-items:flex-start}h1{margin:0;font-size:18pt}\
    p{margin:2px 0}.number{font-weight:bold}table{width:100%;border-collapse:collapse;margin-top:6mm}\
    th,td{border:1px solid #000;padding:2mm 3mm;text-align:left;vertical-align:top}th{width:26mm;font-weight:normal;\
    background:#f2f2f2}.parts th{width:auto}.tall{height:18mm}.sign{height:12mm;width:50mm}svg{width:28mm;height:28mm}";

fn code(link: &str) -> String {
    match QrCode::with_error_correction_level(link, EcLevel::M) {
        Ok(code) => {
            let drawn = code.render::<svg::Color<'_>>().quiet_zone(true).build();
            // The XML declaration has no place inside a page.
            drawn.split_once("?>").map_or(drawn.clone(), |(_, drawing)| drawing.to_owned())
        }
        Err(_) => String::new(),
    }
}

fn minute(at: LocalTime) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' => safe.push_str("<br>"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{
        matter::{Kind, Way},
        work_order::{OrderId, Part},
    };

    fn printed(link: &str) -> String {
        let at: LocalTime = "2026-11-24T09:00:00+08:00".parse().unwrap();
        let mut matter = Matter::opened("20261124-0001".parse().unwrap(), at, Way::Hotline, "王芳".into());
        matter.kind = Some(Kind::Repair);
        matter.summary = "<script>alert('x')</script> & 漏水".into();
        matter.fields = [(field::Field::Part, "厨房".to_owned())].into();
        let order = WorkOrder {
            id: OrderId(42),
            matter: matter.id,
            extent: Extent::InHome,
            rush: true,
            crew: "水电班".into(),
            made: at,
            made_by: "王芳".into(),
            appointment: None,
            dispatched: Some(at),
            arrived: Some(at),
            finished: Some(at),
            work: "换阀门".into(),
            parts: vec![Part { name: "阀门".into(), quantity: "1".into(), price_fen: 3500 }],
            labour_fen: 2000,
            accepted: None,
            returned: None,
            second_of: None,
            cancelled: None,
        };
        page("东湖物业", &order, &matter, link)
    }

    #[test]
    fn the_order_is_a_page_with_its_number_its_charge_and_a_code() {
        let page = printed("https://desk.example/m/20261124-0001");
        for part in [
            "P000042",
            "20261124-0001",
            "入户维修（急修）",
            "维修部位</th><td>厨房",
            "55.00",
            "<svg ",
            "东湖物业",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert_eq!(page.matches("<?xml").count(), 0);
    }

    #[test]
    fn nothing_that_somebody_wrote_runs_on_the_page() {
        let page = printed(&"x".repeat(5000));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; 漏水"));
        assert!(!page.contains("<script"));
        assert!(!page.contains("<svg"), "a link too long for a code leaves it out");
    }
}
