"""The texts of tasks and notes: topics, comments, reasons, names of files and of suppliers."""

from __future__ import annotations

COMPANIES = (
    "Alder & Finch GmbH",
    "Baltic Freight Lines",
    "Corvus Analytics Ltd",
    "Delmare Packaging S.p.A.",
    "Eastgate Office Supply",
    "Fjordkraft Tools AS",
    "Golden Mesa Catering",
    "Hikari Sensors K.K.",
    "Iberia Cloud Hosting",
    "Juniper Legal LLP",
    "ООО «Северный ветер»",
    "Koala Print & Sign",
)
PRODUCTS = (
    "Customer portal",
    "Mobile app",
    "Label printer",
    "Invoice gateway",
    "Warehouse scanner",
    "Meeting rooms",
)
RATES = ("20 % standard", "10 % reduced", "0 % export", "Exempt")
GOODS = (
    "Laptop, 14 inch",
    "Safety boots",
    "Pallet wrap, 500 mm",
    "Forklift service, quarterly",
    "Cloud hosting, monthly",
    'Hydraulic hose 3/8"',
    "Office chairs",
    "Label rolls",
    "Translation, per page",
    "Air filter, class F7",
)
PLAIN = (
    "Prepare the agenda for the quarterly review",
    "Update the evacuation plan of hall 3",
    "Collect feedback after the trade fair",
    "Move the wiki pages of the old team",
    "Order name badges for the new colleagues",
    "Check the fire extinguishers",
    "Draft the newsletter",
    "Call back the landlord about parking places",
    "Согласовать график смен на праздники",
    "Compare three offers for the coffee machines",
    "Write down how month-end closing is done",
    "Retire the file share nobody uses",
    "Plan the summer party 🎉",
)
PURCHASES = ("Replacement of ", "First order of ", "Yearly stock of ", "Urgently needed: ", "Trial batch of ")
ABSENCES = (
    "Summer holidays",
    "Long weekend",
    "Family matters",
    "Winter holidays",
    "Moving house",
    "Parental leave",
)
TROUBLES = (
    "Cannot sign in after the password change",
    "Export stops at 99 %",
    "Totals differ from the printed report",
    "Scanner loses its connection in aisle 7",
    "Page stays blank on the tablet",
    "Duplicate mails every morning",
    "Не приходит код подтверждения",
    "Label comes out upside down",
    "Search finds nothing with an apostrophe",
)
CONTRACTS = (
    "Framework agreement",
    "Non-disclosure agreement",
    "Lease of warehouse space",
    "Service level addendum",
)
LONG_REMARK = (
    "I went through it with the team this morning. Two points are open: who pays for the transport, and"
    " whether the old agreement ends by itself. Everything else is settled from our side."
)
LONGER_REMARK = (
    "For the record: the first offer was 12 % above last year's price, the second one 3 % below, but with"
    " six weeks of delivery. We would rather take the second and plan ahead."
)
REMARKS = (
    "Any news here? It has been on the list for a while, and people ask me about it.",
    "Done on our side, please have a look.",
    "I have spoken with them: they need two more days.",
    "The figures in the attachment are the right ones, ignore my earlier message.",
    "Thanks!",
    "Waiting for the supplier's answer.",
    "Could we settle this before Friday?",
    "Agreed by phone.",
    LONG_REMARK,
    LONGER_REMARK,
    "See line 4:\n\tthe quantity was counted twice.",
    "Please note the new delivery address.",
    "👍",
    "Уточнил у коллег, возражений нет.",
    "This is blocked until the budget is released.",
)
BACKGROUNDS = (
    "It came up in the weekly meeting and nobody has taken it yet; the people concerned are in copy.",
    "Same as last year, but this time with a second offer and the new cost centre.",
    "The customer asked for it twice. Please tell them when they can expect an answer, if only a date.",
    "Background:\n- the current contract ends with the quarter\n- two weeks of notice are needed",
    "Прошу рассмотреть до конца недели; подробности во вложении.",
)
APPROVALS = ("Fine with me.", "Approved, within budget.", "OK", "Approved; please keep the receipt.")
REJECTIONS = (
    "Too expensive, ask for a second offer.",
    "Not this quarter.",
    "The terms of payment are missing.",
)
ENDINGS = ("Done.", "Delivered and checked.", "Closed after the call.", "Nothing left to do here.")
DOCUMENTS = (
    "quotation.pdf",
    "scan-0017.jpg",
    "minutes.docx",
    "figures.xlsx",
    "договор.pdf",
    "photo of the site.png",
)
RULES = "Ask at least two weeks ahead; name somebody who stands in for you."
