package acumaticatwin

import (
	"fmt"
)

const (
	contactFields = `AddressValidated:B Attention:S255 ContactID:I! DisplayName:S! Email:S255 Fax:S50 FirstName:S50 JobTitle:S255 LastName:S100
		MiddleName:S50 Phone1:S50 Phone1Type:S Phone2:S50 Phone2Type:S Title:S WebSite:S255`
	addressFields = `AddressLine1:S50 AddressLine2:S50 City:S50 Country:S100 PostalCode:S20 State:S50`

	statusActive   = "Active"
	statusInactive = "Inactive"
)

func customerEntity(b *builder) *entity {
	address := part{name: "Address", shape: b.shape(addressFields)}
	contact := func(name, more string) part {
		return part{name: name, shape: b.shape(contactFields+more, address)}
	}
	return &entity{
		name: entityCustomer, display: "Customer", screen: "AR303000", graph: "PX.Objects.AR.CustomerMaint", view: "BAccount",
		keys: []string{"CustomerID"},
		shape: b.shape(`AccountRef:S50 ApplyOverdueCharges:B AutoApplyPayments:B BAccountID:I! BillingAddressOverride:B BillingContactOverride:B
			CreatedDateTime:T! CurrencyID:S5 CurrencyRateType:S6 CustomerClass:S10 CustomerID:S30 CustomerName:S255 EnableCurrencyOverride:B
			EnableRateOverride:B EnableWriteOffs:B FOBPoint:S15 LastModifiedDateTime:T! LeadTimedays:I LocationName:S60 MultiCurrencyStatements:B
			OrderPriority:I ParentRecord:S30 PriceClassID:S10 PrintDunningLetters:B PrintInvoices:B PrintStatements:B ResidentialDelivery:B
			SaturdayDelivery:B SendDunningLettersbyEmail:B SendInvoicesbyEmail:B SendStatementsbyEmail:B ShippingAddressOverride:B
			ShippingBranch:S ShippingContactOverride:B ShippingRule:S ShippingTerms:S10 ShippingZoneID:S15 ShipVia:S15 StatementCycleID:S10
			StatementType:S Status:S TaxRegistrationID:S50 TaxZone:S10 Terms:S10 WarehouseID:S WriteOffLimit:D4 RestrictVisibilityTo:S
			CreditLimit:D4 NoteID:G! EntityUsageType:S TaxExemptionNumber:S30 IsGuestCustomer:B Email:S+23 PrimaryContactID:I+23 CustomerCategory:S+23`,
			contact("MainContact", " CompanyName:S255 FullName:S!"), contact("BillingContact", ""), contact("ShippingContact", ""),
			contact("PrimaryContact", ""),
			part{name: "Attributes", many: true, unmodelled: true, shape: b.shape(`AttributeID:S AttributeDescription:S RefNoteID:G! Required:B Value:S
				ValueDescription:S IsActive:B+24`)},
			part{name: "Contacts", many: true, unmodelled: true, shape: b.shape(`ContactID:I LastModifiedDateTime:T!+23`, contact("Contact", ""))},
			part{name: "CreditVerificationRules", readOnly: true, shape: b.shape(`CreditDaysPastDue:I CreditLimit:D4 CreditVerification:S FirstDueDate:A
				OpenOrdersBalance:D4 RemainingCreditLimit:D4 UnreleasedBalance:D4`)},
			part{name: "PaymentInstructions", many: true, unmodelled: true, shape: b.shape(`Description:S LocationID:I PaymentInstructionsID:S
				PaymentMethod:S Value:S`)},
			part{name: "Salespersons", many: true, unmodelled: true, shape: b.shape(`Commission:D4 Default:B LocationID:S LocationName:S Name:S
				SalespersonID:S`)}),
		fresh: freshCustomer, save: saveCustomer, remove: removeCustomer,
	}
}

func freshCustomer(_ *tx, r *record) {
	for name, v := range map[string]string{
		"ApplyOverdueCharges": "false", "AutoApplyPayments": "false", "BillingAddressOverride": "false", "BillingContactOverride": "false",
		"CustomerClass": "DEFAULT", "EnableCurrencyOverride": "false", "EnableRateOverride": "false", "EnableWriteOffs": "true",
		"LocationName": "Primary Location", "MultiCurrencyStatements": "false", "OrderPriority": "0", "PrintDunningLetters": "true",
		"PrintInvoices": "false", "PrintStatements": "false", "ResidentialDelivery": "false", "SaturdayDelivery": "false",
		"SendDunningLettersbyEmail": "false", "SendInvoicesbyEmail": "false", "SendStatementsbyEmail": "false", "IsGuestCustomer": "false",
		"ShippingAddressOverride": "false", "ShippingContactOverride": "false", "ShippingRule": "Cancel Remainder",
		"StatementCycleID": "DEFAULT", "StatementType": "Open Item", "Status": statusActive, "WriteOffLimit": "30",
		"CurrencyID": baseCurrency, "Terms": "NET30",
	} {
		r.set(name, v)
	}
}

func saveCustomer(x *tx, old, r *record) *problems {
	bad := newProblems()
	if r.get("CustomerName") == "" {
		bad.add(r, "CustomerName", "'Customer Name' cannot be empty.")
	}
	switch r.get("Status") {
	case statusActive, statusInactive, "On Hold", "Credit Hold", "One-Time":
	default:
		bad.add(r, "Status", "The list value '%s' is not allowed for the 'Customer Status' field.", r.get("Status"))
	}
	if c := x.byKey(entityCurrency, r.get("CurrencyID")); c == nil {
		bad.add(r, "CurrencyID", "Currency ID '%s' cannot be found in the system.", r.get("CurrencyID"))
	}
	if old != nil && old.get("CurrencyID") != r.get("CurrencyID") {
		if name, d := x.documentOf(r.get("CustomerID")); d != nil {
			bad.add(r, "CurrencyID", "The currency cannot be changed: the customer has documents in %s, such as %s %s.",
				old.get("CurrencyID"), name, d.get("ReferenceNbr")+d.get("OrderNbr"))
		}
	}
	if _, ok := x.st.Setup.Terms[r.get("Terms")]; r.get("Terms") != "" && !ok {
		bad.add(r, "Terms", "Terms '%s' cannot be found in the system.", r.get("Terms"))
	}
	if _, ok := x.st.Setup.Zones[r.get("TaxZone")]; r.get("TaxZone") != "" && !ok {
		bad.add(r, "TaxZone", "Tax Zone '%s' cannot be found in the system.", r.get("TaxZone"))
	}
	main := r.One["MainContact"]
	if main == nil {
		main = newRecord(x.newID())
		r.One["MainContact"] = main
	}
	main.setDefault("CompanyName", r.get("CustomerName"))
	main.set("DisplayName", r.get("CustomerName"))
	main.set("FullName", r.get("CustomerName"))
	if v := main.get("Email"); v != "" {
		r.set("Email", v)
	}
	if old == nil && bad.empty() {
		n := x.next("Customer")
		r.set("CustomerID", fmt.Sprintf("C%06d", n))
		r.set("BAccountID", fmt.Sprint(7000+n))
		main.set("ContactID", fmt.Sprint(9000+n))
	}
	return bad
}

func removeCustomer(x *tx, r *record) *failure {
	if name, d := x.documentOf(r.get("CustomerID")); d != nil {
		return pxError("Customer '%s' cannot be deleted because it is referenced in the following record: %s, %s.",
			r.get("CustomerID"), name, d.get("ReferenceNbr")+d.get("OrderNbr"))
	}
	return nil
}

// documentOf finds a document of a customer and its entity, or nil.
func (x *tx) documentOf(customerID string) (entityName string, document *record) {
	for _, name := range []string{entityInvoice, entityPayment, entityCashSale, entitySalesOrder} {
		field := "CustomerID"
		if name == entityInvoice || name == entitySalesOrder {
			field = "Customer"
		}
		for d := range x.with(name, field, customerID) {
			return name, d
		}
	}
	return "", nil
}

// customerOf checks the customer of a document and blames the field.
func (x *tx) customerOf(r *record, field string, bad *problems) *record {
	id := r.get(field)
	if id == "" {
		bad.add(r, field, "'Customer' cannot be empty.")
		return nil
	}
	c := x.byKey(entityCustomer, id)
	if c == nil {
		bad.add(r, field, "'Customer' cannot be found in the system.")
		return nil
	}
	r.set(field, c.get("CustomerID"))
	if s := c.get("Status"); s != statusActive && s != "One-Time" {
		bad.add(r, field, "The customer status is '%s'.", s)
		return nil
	}
	return c
}
